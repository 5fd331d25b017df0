"""PyTorch's side of the photograph benchmark: Pillow and torchvision, as ImageNet training scripts use them, on one core.

Reads a number of images per line from standard input, loads that many in the order of the list, and answers with the CPU seconds it took.
    python3 photographs.py FOLDER
"""
import sys
import time

import PIL
import torch
import torchvision
from torchvision import transforms


def main():
    torch.set_num_threads(1)
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
        ]
    )
    images = torchvision.datasets.ImageFolder(sys.argv[1], transform)
    print(f"Pillow {PIL.__version__}, torchvision {torchvision.__version__}", flush=True)
    for line in sys.stdin:
        start = time.process_time()
        for i in range(int(line)):
            images[i % len(images)]
        print(time.process_time() - start, flush=True)


main()
