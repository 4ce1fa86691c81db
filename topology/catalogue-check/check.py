#!/usr/bin/env python3
"""Compares data/catalogue.json with the lists of regions that packages carry. See README.md beside this file."""

import argparse
import glob
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
CATALOGUE = HERE.parent / "data" / "catalogue.json"
FROZEN = HERE / "frozen.txt"

PYPI = {"botocore": "1.44.5", "c7n-gcp": "0.4.52", "cloud-regions-info": "1.0.1", "pydo": "0.44.0"}
NPM = {"@pulumi/digitalocean": "4.80.1"}

# Named by a package, and not in the catalogue.
EXCEPTIONS = {
    ("GCP", "europe-west15"): "Google names no place for it and it is not open to everybody",
    ("GCP", "us-central2"): "Google names no place for it and it is not open to everybody",
    ("GCP", "us-east7"): "Google names no place for it and it is not open to everybody",
    ("GCP", "us-west8"): "Google names no place for it and it is not open to everybody",
    ("Azure", "southeastasiastandard"): "no region of Microsoft's own list",
    ("DigitalOcean", "ams1"): "closed",
}


def pypi(folder, name, version):
    """The files of a wheel, unpacked."""
    target = folder / name
    if not target.exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), f"{name}=={version}"]
        subprocess.run(command, check=True)
        wheel = glob.glob(str(folder / f"{name.replace('-', '_')}-{version}-*.whl"))[0]
        zipfile.ZipFile(wheel).extractall(target)
    return target


def npm(folder, name, version):
    """The files of an npm package, unpacked."""
    target = folder / name.replace("/", "_")
    if not target.exists():
        command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        packed = folder / f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"
        tarfile.open(packed).extractall(target, filter="data")
    return target


def aws(folder):
    data = pypi(folder, "botocore", PYPI["botocore"]) / "botocore" / "data"
    endpoints = json.loads((data / "endpoints.json").read_text())["partitions"]
    partitions = json.loads((data / "partitions.json").read_text())["partitions"]
    names = {name for part in endpoints if "iso" not in part["partition"] for name in part["regions"]}
    names |= {name for part in partitions if "iso" not in part["id"] for name in part["regions"]}
    return {name for name in names if not name.endswith("-global")}


def gcp(folder):
    return set(json.loads((pypi(folder, "c7n-gcp", PYPI["c7n-gcp"]) / "c7n_gcp" / "regions.json").read_text()))


def azure(folder):
    data = pypi(folder, "cloud-regions-info", PYPI["cloud-regions-info"]) / "cloud_regions_info" / "mappings"
    return set(json.loads((data / "azure_regions.json").read_text()))


def digitalocean(folder):
    enums = npm(folder, "@pulumi/digitalocean", NPM["@pulumi/digitalocean"]) / "package/types/enums/index.d.ts"
    block = re.search(r"export declare const Region: \{(.*?)\}", enums.read_text(), re.S).group(1)
    names = set(re.findall(r'"([a-z]{3}\d)"', block))
    operations = pypi(folder, "pydo", PYPI["pydo"]) / "pydo" / "operations" / "_operations.py"
    towns = "ams atl blr fra lon nyc ric sfo sgp syd tor".split()
    return names | {slug for slug in re.findall(r'(?:"|``)([a-z]{3}\d)(?:"|``)', operations.read_text()) if slug[:3] in towns}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=pathlib.Path)
    folder = parser.parse_args().dir or pathlib.Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    ours = {}
    for region in json.loads(CATALOGUE.read_text())["regions"]:
        ours.setdefault(region["provider"], set()).add(region["name"])
    lines, missing = [], []
    for provider, read in (("AWS", aws), ("Azure", azure), ("GCP", gcp), ("DigitalOcean", digitalocean)):
        theirs = read(folder)
        wanted = {name for name in theirs if (provider, name) not in EXCEPTIONS}
        missing += [f"{provider} {name}" for name in sorted(wanted - ours[provider])]
        extra = sorted(ours[provider] - theirs)
        print(f"{provider}: {len(ours[provider])} in the catalogue, {len(theirs)} named by packages, "
              f"{len(theirs) - len(wanted)} excepted, only in the catalogue: {' '.join(extra) or 'none'}")
        lines += [f"{provider} {name}" for name in sorted(wanted)]
    versions = ", ".join(f"{name} {version}" for name, version in {**PYPI, **NPM}.items())
    FROZEN.write_text(f"# Written by check.py from {versions}.\n" + "\n".join(lines) + "\n")
    for name in missing:
        print(f"missing: {name}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
