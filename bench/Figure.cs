using System.Runtime.InteropServices;
using ChannelDistillation.Runs;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>A line of the benchmarks' table; what does not apply is null.</summary>
/// <param name="Unit">Of ours and of PyTorch's.</param>
internal sealed record Figure(string Case, string Unit, double Ours)
{
    /// <summary>PyTorch's, in the same unit, in the same run.</summary>
    public double? PyTorch { get; init; }

    /// <summary>How many times as fast as PyTorch: the median of the rounds' ratios.</summary>
    public double? Ratio { get; init; }

    /// <summary>Our runs one after the other, by our runs in lockstep.</summary>
    public double? Gained { get; init; }

    /// <summary>That, by the most that sharing the teacher could gain.</summary>
    public double? OfLimit { get; init; }

    /// <summary>The step's convolutions alone, by the step.</summary>
    public double? Convolutions { get; init; }

    /// <summary>The most memory that the process has held, MiB.</summary>
    public long? Peak { get; init; }

    public long? PyTorchPeak { get; init; }

    /// <summary>What the networks compute in.</summary>
    public string? Layout { get; init; }

    public string? PyTorchLayout { get; init; }

    public IReadOnlyList<Goal> Goals { get; init; } = [];

    private const string Header =
        "| case | unit | ours | PyTorch | x PyTorch | gained by sharing | of the limit | convolutions | peak, MiB | PyTorch's | layout | PyTorch's | goal |";

    /// <summary>Prints a table of figures as they are measured, below what they are measured on.</summary>
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

/// <summary>What the project wants to reach, and whether it did this time.</summary>
internal sealed record Goal(string Text, bool Met);
