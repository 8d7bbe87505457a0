#!/usr/bin/env python3
"""Writes the shop's data as a tar archive to stdout: a few hundred files and a SQLite database."""
import io
import random
import sqlite3
import sys
import tarfile
import tempfile

source = random.Random(1)
archive = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")


def add(name, content, mode=0o644):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(content), mode, 1767225600
    archive.addfile(info, io.BytesIO(content))


with tempfile.NamedTemporaryFile(suffix=".db") as file:
    database = sqlite3.connect(file.name)
    database.execute("create table orders (id integer primary key, customer text, total real)")
    database.executemany(
        "insert into orders (customer, total) values (?, ?)",
        ((f"customer-{source.randrange(500)}", source.randrange(100, 90000) / 100) for _ in range(5000)),
    )
    database.commit()
    database.close()
    add("orders.db", open(file.name, "rb").read(), 0o640)
for number in range(300):
    lines = "".join(f"item {source.randrange(10000)} x {source.randrange(1, 9)}\n" for _ in range(source.randrange(5, 200)))
    add(f"invoices/2026-{number % 12 + 1:02}/invoice-{number:04}.txt", lines.encode())
add("uploads/logo.png", source.randbytes(70000))
archive.close()
