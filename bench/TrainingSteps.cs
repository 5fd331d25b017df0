using ChannelDistillation.Records;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>Training steps side by side with PyTorch's.</summary>
internal static class TrainingSteps
{
    public static void Run(int rounds, int steps)
    {
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
            using var ours = new Rehearsal(Cases.Distillation(teacher, student, batch, Cases.ChannelDistillation), "cpu");
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
                : $"{1000 * Cases.Median(theirs):0} ({peer.Version}) | {Cases.Median([.. theirs.Zip(mine, (a, b) => a / b)]):0.00}";
            Console.WriteLine(
                $"| {teacher} -> {student} | {batch} | {1000 * Cases.Median(mine):0} | {pytorch} | {torch.Tensor.TotalCount - tensorsBefore:+0;-0;0} | {(Environment.WorkingSet - memoryBefore) >> 20:+0;-0;0} |"
            );
        }
    }
}
