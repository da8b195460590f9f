"""HCL2: from the text of a file to values. The package knows nothing about Nomad.

It follows HCL2's specification (github.com/hashicorp/hcl, hclsyntax/spec.md) and that of its type system
(github.com/zclconf/go-cty, docs): the types, their conversions, the operands of every operator.

    source ─ tokens ─ syntax ─> nodes ─ evaluation (scope, functions) ─> values
"""
