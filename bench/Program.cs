using System.Globalization;
using ChannelDistillation.Bench;
using ChannelDistillation.Native;

// Side by side, in turn, in one run: medians and ratios. What there is and what came of it: bench/README.md
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
MemoryAllocator.KeepMemory();
OpenMp.LimitSpinning();
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
    case ["precision", ..]:
        Precisions.Run(Number(1, 5), Number(2, 3), args.ElementAtOrDefault(3));
        break;
    case ["cache", ..]:
        KeptAnswers.Run(Number(1, 5), Number(2, 3), args.ElementAtOrDefault(3));
        break;
    case ["startup", ..]:
        StartUp.Run(Number(1, 3));
        break;
    case ["gpu", .. var rest]:
        return GpuSteps.Run(rest);
    case ["serve-gpu", var teacher, var student, var batch, var lanes, var device, var precision]:
        GpuSteps.Serve(teacher, student, int.Parse(batch), int.Parse(lanes), device, precision);
        break;
    case ["serve", var teacher, var student, var batch, var lanes]:
        TrainingSteps.Serve(teacher, student, int.Parse(batch), int.Parse(lanes));
        break;
    case ["serve-limit", var teacher, var student, var batch]:
        TrainingSteps.ServeLimit(teacher, student, int.Parse(batch));
        break;
    default:
        TrainingSteps.Run(Number(0, 5), Number(1, 3), args.ElementAtOrDefault(2));
        break;
}

return 0;

int Number(int position, int standard) => args.Length > position ? int.Parse(args[position]) : standard;
