// Package java holds the one struct of Pulumi's Java code generator that docker-build writes into its schema.
package java

// PackageInfo says how a Java SDK of the schema would be packaged.
type PackageInfo struct {
	BuildFiles                      string            `json:"buildFiles,omitempty"`
	GradleNexusPublishPluginVersion string            `json:"gradleNexusPublishPluginVersion,omitempty"`
	Dependencies                    map[string]string `json:"dependencies,omitempty"`
}
