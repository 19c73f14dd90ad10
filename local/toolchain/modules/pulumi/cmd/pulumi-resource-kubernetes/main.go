// The kubernetes plugin. Upstream's main embeds two files that its build generates; the build here copies their sources,
// schema.json and terraform-mapping.json, beside this file (see ../../patches.json).
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

// Set by the linker.
var version string

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", version, schema, terraformMapping)
}
