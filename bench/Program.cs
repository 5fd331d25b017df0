using System.Globalization;
using ChannelDistillation.Bench;
using ChannelDistillation.Native;

// Side by side, in turn, in one run: medians and ratios. What there is and what came of it: bench/README.md
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
MemoryAllocator.KeepMemory();
ExternalTorch.Load();
switch (args)
{
    case ["cifar", ..]:
        CifarAugmentation.Run(Number(1, 7));
        break;
    case ["photographs", ..]:
        PhotographLoading.Run(Number(1, 7), Number(2, 256));
        break;
    case ["loader", ..]:
        LoaderWaiting.Run(Number(1, 3));
        break;
    case ["methods", ..]:
        MethodCosts.Run(Number(1, 5));
        break;
    default:
        TrainingSteps.Run(Number(0, 7), Number(1, 3));
        break;
}

int Number(int position, int standard) => args.Length > position ? int.Parse(args[position]) : standard;
