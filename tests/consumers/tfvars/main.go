// Command tfvars reads a module's variables.tf and a .tfvars.json as Terraform does, with Terraform's own libraries,
// and prints the value of each variable, converted to its declared type, as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

func main() {
	log.SetFlags(0)
	parser := hclparse.NewParser()
	module, diagnostics := parser.ParseHCLFile(os.Args[1])
	check(diagnostics)
	values, diagnostics := parser.ParseJSONFile(os.Args[2])
	check(diagnostics)
	given, diagnostics := values.Body.JustAttributes()
	check(diagnostics)
	content, _, diagnostics := module.Body.PartialContent(&hcl.BodySchema{
		Blocks: []hcl.BlockHeaderSchema{{Type: "variable", LabelNames: []string{"name"}}},
	})
	check(diagnostics)
	read := map[string]json.RawMessage{}
	for _, block := range content.Blocks {
		attributes, diagnostics := block.Body.JustAttributes()
		check(diagnostics)
		wanted, diagnostics := typeexpr.TypeConstraint(attributes["type"].Expr)
		check(diagnostics)
		name := block.Labels[0]
		value, diagnostics := given[name].Expr.Value(nil)
		check(diagnostics)
		delete(given, name)
		read[name] = converted(name, value, wanted)
	}
	for name := range given {
		log.Fatalf("no variable %q is declared", name)
	}
	if err := json.NewEncoder(os.Stdout).Encode(read); err != nil {
		log.Fatal(err)
	}
}

func converted(name string, value cty.Value, wanted cty.Type) json.RawMessage {
	value, err := convert.Convert(value, wanted)
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	text, err := ctyjson.Marshal(value, wanted)
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	return text
}

func check(diagnostics hcl.Diagnostics) {
	if diagnostics.HasErrors() {
		fmt.Fprintln(os.Stderr, diagnostics.Error())
		os.Exit(1)
	}
}
