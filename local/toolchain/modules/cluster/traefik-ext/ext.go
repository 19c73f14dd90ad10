// Package ext stands in for the hook by which Traefik's vendor adds fields of its own to the dynamic configuration:
// its published module names this package but does not hold it. Nothing is added here.
package ext

// HTTP adds nothing to the HTTP configuration.
type HTTP struct{}

// Router adds nothing to a router.
type Router struct{}
