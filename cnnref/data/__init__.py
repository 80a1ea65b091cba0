"""Datasets as tensors in memory.

    images = load("cats-dogs", "train")        # 10,000 images, labels 0 and 1

Five rooms: `cnnref.data.images` holds what a set of images is, `cnnref.data.batches` cuts it into
mini-batches, `cnnref.data.files` reads it from disk and fetches it; `cnnref.data.kats_cat` and
`cnnref.data.far_pairs` make images for one question each.
"""

from cnnref.data.batches import Batches
from cnnref.data.far_pairs import far_pairs
from cnnref.data.files import (
    DATASETS,
    SPLITS,
    DamagedDataError,
    DatasetInfo,
    MissingDataError,
    UnknownDatasetError,
    data_folder,
    fetch,
    load,
)
from cnnref.data.images import ImageDataset, ImageSet, Normalization, class_extract, synthetic
from cnnref.data.kats_cat import kats_images

__all__ = [
    "DATASETS",
    "SPLITS",
    "Batches",
    "DamagedDataError",
    "DatasetInfo",
    "ImageDataset",
    "ImageSet",
    "MissingDataError",
    "Normalization",
    "UnknownDatasetError",
    "class_extract",
    "data_folder",
    "far_pairs",
    "fetch",
    "kats_images",
    "load",
    "synthetic",
]
