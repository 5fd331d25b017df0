using System.Text.Json;
using ChannelDistillation.Losses;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;

namespace ChannelDistillation.Bench;

/// <summary>Cost of each method: steps of ResNet-32x4 -> ResNet-8x4 with cross-entropy and the method, compared with cross-entropy alone.</summary>
internal static class MethodCosts
{
    /// <param name="names">Only these methods; empty: all.</param>
    public static void Run(int rounds, IReadOnlyList<string> names)
    {
        (string Name, LossSpec[] Losses)[] cases =
        [
            .. LossCatalog
                .All.Where(loss => names.Count == 0 || loss.Name == "ce" || names.Contains(loss.Name))
                .Select(loss => (loss.Name, loss.Name == "ce" ? new[] { LossSpec.CrossEntropy } : [LossSpec.CrossEntropy, Spec(loss)])),
        ];
        var times = cases.ToDictionary(entry => entry.Name, _ => new List<double>());
        for (int round = 0; round <= rounds; round++)
        {
            foreach (var (name, losses) in cases)
            {
                using var rehearsal = new StepProfiler(Cases.Distillation("resnet32x4", "resnet8x4", 64, losses), "cpu");
                rehearsal.Run(1);
                var (teacher, lane) = rehearsal.Run(2);
                // The first round is a warm-up.
                if (round > 0)
                    times[name].Add(name == "ce" ? lane : teacher + lane);
            }
        }
        var costs = cases.ToDictionary(
            entry => entry.Name,
            entry => Math.Round(Cases.Median([.. times[entry.Name].Zip(times["ce"], (mine, alone) => mine / alone)]), 2)
        );
        Console.WriteLine(JsonSerializer.Serialize(costs, new JsonSerializerOptions { WriteIndented = true }));
    }

    private static LossSpec Spec(LossDescriptor loss) =>
        new()
        {
            Name = loss.Name,
            Weight = loss.DefaultWeight,
            Parameters = loss.DefaultParameters,
        };
}
