"""Tests. Most modules and folders mirror one of the package.

Others are about a topic: `test_benchmarks`, `test_counts` (what a request costs), `test_house` (the
structure), `test_login_callback` and `test_logout` (a path), and the folders `docs`, `example`,
`interop`, `invariants`, `real_browsers`, `security` and `wsgi_servers`.
"""
