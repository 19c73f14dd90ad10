"""Face recognition in five services: capture, preprocess, features, compare, store.

`capture` receives a picture. It calls `preprocess` for the aligned face, `features` for its vector, and then `compare`
for the nearest enrolled vector or `store` to enroll the vector. Only `capture` knows this order. `store` calls the
vector store and Redis; `compare` calls Redis and `store`.
"""
