"""Object churn as data programs do it: records, indexes over them, and waves of short-lived ones."""
import hashlib
import sys

SIZE = int(sys.argv[1])


def record(number: int) -> dict[str, object]:
    return {"id": number, "name": f"item-{number:07d}", "tags": [number % 7, number % 11], "next": None}


records = [record(i) for i in range(SIZE)]
for left, right in zip(records, records[1:], strict=False):
    left["next"] = right
by_name = {r["name"]: r for r in records}
by_tag: dict[tuple[int, int], list[dict[str, object]]] = {}
for r in records:
    by_tag.setdefault(tuple(r["tags"]), []).append(r)

digest = hashlib.sha256()
for wave in range(6):
    # A wave touches every sixth record, replaces it, and makes text that dies at once.
    for i in range(wave, SIZE, 6):
        fresh = record(i + SIZE * (wave + 1))
        fresh["next"] = records[i]["next"]
        by_name.pop(records[i]["name"])
        by_name[fresh["name"]] = fresh
        records[i] = fresh
    text = ",".join(f"{r['name']}:{r['id']}" for r in records[::3])
    digest.update(text.encode())
    matrix = [[float(row * column) for column in range(60)] for row in range(60)]
    digest.update(repr(sum(map(sum, matrix))).encode())
digest.update(str(len(by_tag)).encode())
print(digest.hexdigest(), len(by_name))
