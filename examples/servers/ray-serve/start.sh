# One Ray node in this container, and Serve on it. Its metrics are at port 8080.
set -e
ray start --head --num-cpus=2 --metrics-export-port=8080 --include-dashboard=false \
  --object-store-memory=100000000 --disable-usage-stats
exec serve run serve.yaml
