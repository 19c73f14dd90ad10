// Package codegen holds the one struct of Pulumi's .NET code generator that docker-build writes into its schema.
package codegen

// CSharpPackageInfo says how a .NET SDK of the schema would be packaged.
type CSharpPackageInfo struct {
	RespectSchemaVersion bool              `json:"respectSchemaVersion,omitempty"`
	PackageReferences    map[string]string `json:"packageReferences,omitempty"`
}
