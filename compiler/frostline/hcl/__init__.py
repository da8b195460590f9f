"""HCL2: from the text of a file to values. Knows nothing of what the files are for.

Its semantics are those of HCL2's specification (github.com/hashicorp/hcl, hclsyntax/spec.md) and of the type system
below it (github.com/zclconf/go-cty, docs): which types there are, how they convert, what each operator takes.

    source ─ syntax ─> nodes ─ evaluation (scope, functions) ─> values
"""
