using System.Runtime.InteropServices;
using ChannelDistillation.Runs;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>A row of the benchmarks' table; values that do not apply are null.</summary>
/// <param name="Unit">Unit of our value and of PyTorch's.</param>
internal sealed record Figure(string Case, string Unit, double Ours)
{
    /// <summary>PyTorch's value, in the same unit, from the same run.</summary>
    public double? PyTorch { get; init; }

    /// <summary>Speed relative to PyTorch: the median of the rounds' ratios.</summary>
    public double? Ratio { get; init; }

    /// <summary>Time of our runs one after the other, divided by their time in lockstep.</summary>
    public double? Gained { get; init; }

    /// <summary><see cref="Gained"/> divided by the most that sharing the teacher could gain.</summary>
    public double? OfLimit { get; init; }

    /// <summary>Time of the step's convolutions alone, divided by the step's time.</summary>
    public double? Convolutions { get; init; }

    /// <summary>Peak memory of the process, MiB.</summary>
    public long? Peak { get; init; }

    public long? PyTorchPeak { get; init; }

    /// <summary>Memory layout of the networks.</summary>
    public string? Layout { get; init; }

    public string? PyTorchLayout { get; init; }

    public IReadOnlyList<Goal> Goals { get; init; } = [];

    private const string Header =
        "| case | unit | ours | PyTorch | x PyTorch | gained by sharing | of the limit | convolutions | peak, MiB | PyTorch's | layout | PyTorch's | goal |";

    /// <summary>Prints a table of figures as they are measured, after a line on the machine.</summary>
    public static void Print(IEnumerable<Figure> figures)
    {
        var software = Machine.Software();
        Console.WriteLine(
            $"{DateTime.UtcNow:yyyy-MM-dd}; {Machine.Hardware("cpu")["processor"]}, {Environment.ProcessorCount} cores, {torch.get_num_threads()} threads; "
                + $"{RuntimeInformation.OSDescription}; .NET {software["dotnet"]}, TorchSharp {software["torchsharp"]}; "
                + $"beside {Peer.PyTorchVersions() ?? "nothing: no Python here has PyTorch and torchvision"}."
        );
        Console.WriteLine();
        Console.WriteLine(Header);
        Console.WriteLine("|" + string.Concat(Header.Skip(1).Where(letter => letter == '|').Select(_ => "---|")));
        foreach (Figure figure in figures)
            Console.WriteLine(figure.Line());
    }

    private string Line()
    {
        string[] cells =
        [
            Case,
            Unit,
            Number(Ours),
            PyTorch is double peer ? Number(peer) : "",
            $"{Ratio:0.00}",
            $"{Gained:0.00}",
            $"{OfLimit:0.00}",
            Convolutions is double share ? $"{100 * share:0.0} %" : "",
            $"{Peak}",
            $"{PyTorchPeak}",
            Layout ?? "",
            PyTorchLayout ?? "",
            string.Join(", ", Goals.Select(goal => $"{goal.Text}{(goal.Met ? "" : ": missed")}")),
        ];
        return $"| {string.Join(" | ", cells)} |";
    }

    private static string Number(double value) => value >= 100 ? $"{value:N0}" : $"{value:0.00}";
}

/// <summary>A goal of the project, and whether it was met.</summary>
internal sealed record Goal(string Text, bool Met);
