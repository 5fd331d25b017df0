"""PyTorch's side of the CIFAR benchmark: torchvision's transforms, image by image, as CIFAR training scripts use them, on one core.

Reads a number of images per line from standard input, makes that many, and answers with the CPU seconds it took.
    python3 cifar.py reflect|constant|none
"""
import sys
import time

import numpy
import torch
from PIL import Image
from torchvision import transforms


def main():
    torch.set_num_threads(1)
    padding = sys.argv[1]
    varied = [transforms.RandomCrop(32, padding=4, padding_mode=padding), transforms.RandomHorizontalFlip()]
    transform = transforms.Compose(
        ([] if padding == "none" else varied)
        + [transforms.ToTensor(), transforms.Normalize(mean=[0.5071, 0.4865, 0.4409], std=[0.2673, 0.2564, 0.2762])]
    )
    pixels = numpy.random.default_rng(1).integers(0, 256, (1000, 32, 32, 3), dtype=numpy.uint8)
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.process_time()
        for i in range(int(line)):
            # As torchvision.datasets.CIFAR100 does for every image.
            transform(Image.fromarray(pixels[i % len(pixels)]))
        print(time.process_time() - start, flush=True)


main()
