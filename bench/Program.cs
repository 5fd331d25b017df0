using System.Globalization;
using ChannelDistillation.Bench;
using ChannelDistillation.Losses;
using ChannelDistillation.Native;
using ChannelDistillation.Records;
using ChannelDistillation.Schedules;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;
using TorchSharp;

// Side by side with PyTorch, in turn, in one run: medians and their ratio. Usage: bench [ROUNDS [STEPS]], bench cifar [ROUNDS], bench photographs [ROUNDS [IMAGES]], or bench loader [EPOCHS]
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is ["cifar", ..])
{
    CifarAugmentation.Run(args.Length > 1 ? int.Parse(args[1]) : 7);
    return;
}

if (args is ["photographs", ..])
{
    PhotographLoading.Run(args.Length > 1 ? int.Parse(args[1]) : 7, args.Length > 2 ? int.Parse(args[2]) : 256);
    return;
}

MemoryAllocator.KeepMemory();
ExternalTorch.Load();
if (args is ["loader", ..])
{
    LoaderWaiting.Run(args.Length > 1 ? int.Parse(args[1]) : 3);
    return;
}

int rounds = args.Length > 0 ? int.Parse(args[0]) : 7;
int steps = args.Length > 1 ? int.Parse(args[1]) : 3;
string script = Path.Combine(AppContext.BaseDirectory, "pytorch", "training_step.py");
Console.WriteLine(
    $"Training step, CIFAR stem, ce + cd; {Machine.Hardware("cpu")["processor"]}, {torch.get_num_threads()} threads; {rounds} rounds of each in turn; medians."
);
Console.WriteLine();
Console.WriteLine("| teacher -> student | batch | ours, ms | PyTorch, ms | PyTorch / ours | live tensors | memory, MiB |");
Console.WriteLine("|---|---|---|---|---|---|---|");
foreach (var (teacher, student, batch) in new[] { ("resnet34", "resnet18", 64) })
{
    using PyTorchPeer? peer = PyTorchPeer.Start(script, teacher, student, batch.ToString(), torch.get_num_threads().ToString());
    using var ours = new Rehearsal(Case(teacher, student, batch), "cpu");
    ours.Run(2);
    peer?.Run(2);
    long tensorsBefore = torch.Tensor.TotalCount;
    long memoryBefore = Environment.WorkingSet;
    var (mine, theirs) = (new List<double>(), new List<double>());
    for (int round = 0; round < rounds; round++)
    {
        (double teaching, double learning) = ours.Run(steps);
        mine.Add(teaching + learning);
        if (peer is not null)
            theirs.Add(peer.Run(steps));
    }
    string pytorch = peer is null
        ? "absent | "
        : $"{1000 * Median(theirs):0} ({peer.Version}) | {Median([.. theirs.Zip(mine, (a, b) => a / b)]):0.00}";
    Console.WriteLine(
        $"| {teacher} -> {student} | {batch} | {1000 * Median(mine):0} | {pytorch} | {torch.Tensor.TotalCount - tensorsBefore:+0;-0;0} | {(Environment.WorkingSet - memoryBefore) >> 20:+0;-0;0} |"
    );
}

static RunSpec Case(string teacher, string student, int batch) =>
    new()
    {
        Dataset = new() { Name = "cifar100" },
        Teacher = new() { Model = new(teacher), Checkpoint = "random" },
        Student = new(student),
        Train = new()
        {
            Epochs = 1,
            Batch = batch,
            Optimizer = new(0.1, 0.9, 5e-4),
            LearningRateSchedule = new LearningRateSchedule.Constant(),
        },
        Losses =
        [
            LossSpec.CrossEntropy,
            new()
            {
                Name = "cd",
                Weight = 6,
                Parameters = LossCatalog.Get("cd").DefaultParameters,
            },
        ],
        Seed = 0,
    };

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
