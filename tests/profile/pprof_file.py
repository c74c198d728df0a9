"""Reads a gzipped profile.proto, for the tests of this room: its samples by value and by the functions of
their stacks."""

import bisect
import gzip
import os
import subprocess


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value = data[at:at + length]
            at += length
            if len(value) != length:
                raise ValueError("cut short")
        else:
            raise ValueError(f"wire type {key & 7}")
        yield key >> 3, value


def numbers(data):
    at = 0
    while at < len(data):
        value, at = varint(data, at)
        yield value


class Symbols:
    """Functions of files by address in the file's tables, from nm."""

    def __init__(self):
        self.files = {}

    def name(self, path, address):
        if path not in self.files:
            listed = subprocess.run(["nm", "--defined-only", "-C", path], capture_output=True, text=True).stdout
            listed += subprocess.run(["nm", "-D", "--defined-only", "-C", path], capture_output=True,
                                     text=True).stdout
            table = sorted((int(line.split()[0], 16), line.split(maxsplit=2)[2])
                           for line in listed.splitlines() if line.split()[1] in "tTwWi")
            self.files[path] = ([entry[0] for entry in table], [entry[1] for entry in table])
        starts, names = self.files[path]
        place = bisect.bisect_right(starts, address) - 1
        return names[place] if place >= 0 else "?"


SYMBOLS = Symbols()


class Profile:
    """types, samples as (values, [function, ...]) innermost first, mappings, period, duration."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.plain = gzip.decompress(file.read())
        self.strings, self.mappings, self.locations = [], {}, {}
        self.period = self.duration = self.time = 0
        types, samples = [], []
        for field, value in fields(self.plain):
            if field == 1:
                types.append(dict(fields(value)))
            elif field == 2:
                samples.append(dict(fields(value)))
            elif field == 3:
                mapping = dict(fields(value))
                self.mappings[mapping[1]] = mapping
            elif field == 4:
                location = dict(fields(value))
                self.locations[location[1]] = location
            elif field == 6:
                self.strings.append(value.decode())
            elif field == 9:
                self.time = value
            elif field == 10:
                self.duration = value
            elif field == 12:
                self.period = value
        self.types = [self.strings[one[1]] for one in types]
        self.samples = [(list(numbers(one[2])), [self.function(i) for i in numbers(one.get(1, b""))])
                        for one in samples]

    def function(self, location):
        entry = self.locations[location]
        if 2 not in entry:
            return "?"
        mapping = self.mappings[entry[2]]
        if not mapping[2] <= entry[3] < mapping[3]:
            raise ValueError("a location outside its mapping")
        path = self.strings[mapping[5]]
        if not os.path.exists(path):
            return "?"
        return SYMBOLS.name(path, entry[3] - mapping[2] + vaddr(path, mapping.get(4, 0)))

    def by_function(self, name):
        """Sums of the four values over stacks that have a function of this name."""
        sums = [0] * len(self.types)
        for values, functions in self.samples:
            if name in functions:
                sums = [a + b for a, b in zip(sums, values)]
        return sums


def vaddr(path, offset, known={}):
    """The address in the file's tables of the executable segment at this offset of the file."""
    if path not in known:
        listed = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True).stdout
        known[path] = [(int(words[1], 16), int(words[2], 16)) for words in map(str.split, listed.splitlines())
                       if words[:1] == ["LOAD"]]
    for start, address in known[path]:
        if start & ~4095 == offset:
            return address & ~4095
    return offset
