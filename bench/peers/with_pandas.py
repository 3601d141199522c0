"""The file into the constrained table by pandas and SQLAlchemy, as their manuals show it."""

import os
import sys

import pandas
import sqlalchemy

file, schema, table = sys.argv[1:]
engine = sqlalchemy.create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://", 1))
with engine.begin() as connection:
    for chunk in pandas.read_csv(file, chunksize=100_000, parse_dates=["date_op"]):
        chunk.to_sql(table, connection, schema=schema, if_exists="append", index=False)
