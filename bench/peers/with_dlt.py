"""The file into PostgreSQL by dlt, as its manual shows it: a generator of rows."""

import csv
import os
import sys

import dlt

file, schema, table = sys.argv[1:]


@dlt.resource(
    name=table,
    primary_key="id_mouvement",
    write_disposition="append",
    columns={
        "id_mouvement": {"data_type": "bigint", "nullable": False},
        "date_op": {"data_type": "date", "nullable": False},
        "montant": {"data_type": "decimal", "precision": 12, "scale": 2, "nullable": False},
    },
)
def movements():
    with open(file, newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


pipeline = dlt.pipeline(
    "movements",
    destination=dlt.destinations.postgres(os.environ["DATABASE_URL"]),
    dataset_name=schema + "_dlt",
    pipelines_dir=file + ".dlt",
)
pipeline.run(movements())
