using System.Globalization;
using ChannelDistillation.Bench;
using ChannelDistillation.Core;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;

// Benchmarks alternate in one run and report medians and ratios. bench/README.md lists the benchmarks and their results.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
MemoryAllocator.KeepMemory(Devices.MayUseGpu(args));
OpenMp.LimitSpinning();
ExternalTorch.Load();
NativeWarnings.Silence();
int option = Array.IndexOf(args, "--layout");
string layout = option < 0 ? "auto" : args.ElementAtOrDefault(option + 1) ?? "";
if (TensorLayouts.FindRequest(layout) is not LayoutRequest request)
{
    Console.Error.WriteLine($"Unknown layout `{layout}`. --layout is auto, channels-last or contiguous.");
    return 2;
}
string[] words = option < 0 ? args : [.. args[..option], .. args[(option + 2)..]];
switch (words)
{
    case ["cifar", ..]:
        Figure.Print(CifarAugmentation.Measure(Number(1, 7)));
        break;
    case ["photographs", ..]:
        Figure.Print(PhotographLoading.Measure(Number(1, 7), Number(2, 256)));
        break;
    case ["loader", ..]:
        LoaderWaiting.Run(Number(1, 3));
        break;
    case ["methods", ..]:
        MethodCosts.Run(Number(1, 5), words[Math.Min(2, words.Length)..]);
        break;
    case ["precision", ..]:
        Precisions.Run(Number(1, 5), Number(2, 3), words.ElementAtOrDefault(3));
        break;
    case ["cache", ..]:
        Figure.Print(KeptAnswers.Measure(Number(1, 5), Number(2, 3), words.ElementAtOrDefault(3)));
        break;
    case ["torchscript", ..]:
        return ScriptedSteps.Run(Number(1, 5), Number(2, 3));
    case ["runs", ..]:
        Figure.Print(ManyRuns.Measure(Number(1, 3)));
        break;
    case ["startup", ..]:
        Figure.Print(StartUp.Measure(Number(1, 3)));
        break;
    case ["names", .. var rest]:
        return Guarded(() => NativeNames.Run(Device(rest)));
    case ["agreement", .. var rest]:
        return Guarded(() => Agreement.Run(Device(rest)));
    case ["hold-memory", var left, .. var rest]:
        return Guarded(() => MemoryHolder.Run(int.Parse(left), Device(rest)));
    case ["gpu-images", var images, .. var rest]:
        return Guarded(() => GpuLoading.OfFiles(Device(rest), int.Parse(images)));
    case ["gpu", .. var rest]:
        return Guarded(() => GpuSteps.Run(rest));
    case ["serve-gpu", var teacher, var student, var batch, var lanes, var device, var precision]:
        GpuSteps.Serve(teacher, student, int.Parse(batch), int.Parse(lanes), device, precision);
        break;
    case ["serve", var teacher, var student, var batch, var lanes]:
        TrainingSteps.Serve(teacher, student, int.Parse(batch), int.Parse(lanes), request);
        break;
    case ["serve-limit", var teacher, var student, var batch]:
        TrainingSteps.ServeLimit(teacher, student, int.Parse(batch), request);
        break;
    case ["steps", .. var rest]:
        Figure.Print(
            TrainingSteps.Measure(layout, rest.ElementAtOrDefault(0), rest.Length > 1 ? Number(2, 0) : null, rest.Length > 2 ? Number(3, 0) : null)
        );
        break;
    case []:
        Figure.Print(
            TrainingSteps
                .Measure(layout)
                .Concat(KeptAnswers.Measure(rounds: 3, steps: 3))
                .Concat(CifarAugmentation.Measure(rounds: 5))
                .Concat(PhotographLoading.Measure(rounds: 5, images: 128))
                .Concat(StartUp.Measure(rounds: 3))
        );
        break;
    default:
        Console.Error.WriteLine($"There is no benchmark `{words[0]}`. bench/README.md lists them.");
        return 2;
}

return 0;

// For `[--device cpu|cuda|cuda:N]`.
static string Device(string[] words) => words is ["--device", var device] ? device : "cuda";

static int Guarded(Func<int> run)
{
    try
    {
        return run();
    }
    catch (MissingException missing)
    {
        Console.Error.WriteLine(missing.Message);
        return 3;
    }
}

int Number(int position, int standard) => words.Length > position ? int.Parse(words[position]) : standard;
