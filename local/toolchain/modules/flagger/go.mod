module slipway/toolchain/flagger

go 1.22.0

require github.com/fluxcd/flagger v1.36.1
