"""Face recognition in five services: capture, preprocess, features, compare, store.

A picture enters at `capture`, which asks `preprocess` for the aligned face, `features` for its vector, and then
`compare` for the nearest enrolled vector or `store` to enrol it. Only `capture` knows the order; of the others, `store`
calls the vector store and Redis, and `compare` calls Redis and `store`.
"""
