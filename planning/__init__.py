"""Pure arithmetic over models: the stages of a release, their cost, and how many requests a verdict takes."""
