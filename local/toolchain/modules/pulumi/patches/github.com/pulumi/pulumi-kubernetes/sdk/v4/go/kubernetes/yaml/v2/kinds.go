package v2

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The SDK's own version of this file names every kind, which links 28 MB of generated types into the provider. The provider
// passes untyped properties in and reads only URN and ID back, so one untyped resource per type token does the same.

// IsListKind tells whether an object holds other objects.
func IsListKind(apiVersion, kind string) bool {
	return apiVersion == "v1" && kind == "List"
}

// RegisterResource registers an object of a manifest under the type token of its kind.
func RegisterResource(ctx *pulumi.Context, apiVersion, kind, name string, props pulumi.Input,
	opts ...pulumi.ResourceOption,
) (pulumi.CustomResource, error) {
	group := apiVersion
	if !strings.Contains(apiVersion, "/") {
		group = "core/" + apiVersion
	}
	var object pulumi.CustomResourceState
	if err := ctx.RegisterResource("kubernetes:"+group+":"+kind, name, props, &object, opts...); err != nil {
		return nil, err
	}
	return &object, nil
}
