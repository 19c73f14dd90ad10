"""The commands of ``slipway``, grouped by purpose."""
