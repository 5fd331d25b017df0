"""Says which PyTorch the benchmarks stand beside."""
import platform

import torch
import torchvision

print(f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}, Python {platform.python_version()}", flush=True)
