"""The design that the streamer replaces: psycopg2 reads a slot of wal2json and writes each row as a line of CSV.

Arguments: connection URL, slot, rows. Prints "started" when the stream begins, and ends after that many rows.
"""
import csv
import json
import os
import sys

import psycopg2
from psycopg2.extras import LogicalReplicationConnection

url, slot, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = psycopg2.connect(url, connection_factory=LogicalReplicationConnection)
cursor = connection.cursor()
cursor.start_replication(slot_name=slot, decode=True, options={"format-version": "2", "add-tables": "public.lenders"})
print("started", flush=True)

count = 0
with open(os.devnull, "w", newline="") as sink:
    writer = csv.writer(sink)

    class Done(Exception):
        pass

    def consume(message):
        global count
        change = json.loads(message.payload)
        if change["action"] in ("I", "U"):
            writer.writerow([column["value"] for column in change["columns"]])
            count += 1
        elif change["action"] == "C":
            message.cursor.send_feedback(flush_lsn=message.data_start)
        if count >= rows:
            raise Done()

    try:
        cursor.consume_stream(consume)
    except Done:
        pass
