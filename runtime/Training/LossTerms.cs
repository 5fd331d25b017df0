using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>The losses of one student, their trainable parts, and their weights in the current epoch.</summary>
internal sealed class LossTerms : IDisposable
{
    private readonly (LossSpec Spec, Loss Loss)[] all;
    private Term[] active = [];

    public LossTerms(
        IReadOnlyList<LossSpec> specs,
        Func<LossSpec, LossContext> context,
        long seed,
        Device device,
        TensorLayout layout = TensorLayout.ChannelsLast
    )
    {
        all = [.. specs.Select(spec => (spec, LossCatalog.Describe(spec).Create(context(spec))))];
        foreach (var (spec, loss) in all)
        {
            if (loss.Auxiliary is nn.Module module)
            {
                Initialisation.Initialise(module, seed, $"losses.{spec.Name}");
                module.Arrange(layout);
                module.to(device);
            }
        }
    }

    /// <summary>Trainable parts by the name of their loss.</summary>
    public IEnumerable<(string Name, nn.Module Module)> Modules =>
        all.Where(term => term.Loss.Auxiliary is not null).Select(term => (term.Spec.Name, term.Loss.Auxiliary!));

    /// <summary>Numbers that the losses need drawn for every image, each with the epochs in which it is needed.</summary>
    public IEnumerable<(IImageDraw Draw, Func<int, bool> IsNeeded)> Draws =>
        all.Where(term => term.Loss.Draw is not null).Select(term => (term.Loss.Draw!, (Func<int, bool>)(epoch => term.Spec.WeightAt(epoch) != 0)));

    /// <summary>The first epoch, from 1, in which the most losses are active.</summary>
    /// <param name="epochs">Epochs of the training.</param>
    public int FullestEpoch(int epochs) => Enumerable.Range(1, epochs).MaxBy(epoch => all.Count(term => term.Spec.WeightAt(epoch) != 0));

    /// <summary>Names of the losses whose weight is not 0 in this epoch.</summary>
    public IReadOnlyList<string> Active => [.. active.Select(term => term.Name)];

    public IReadOnlyDictionary<string, double> WeightsAt(int epoch) => all.ToDictionary(term => term.Spec.Name, term => term.Spec.WeightAt(epoch));

    /// <summary>Whether a loss with weight 0 in this epoch keeps weight decay and momentum active (<see cref="LossWeightSchedule.DecaysAtZero"/>).</summary>
    public bool DecaysAtZero { get; private set; }

    /// <summary>Student taps read by the losses that are active in this epoch.</summary>
    public Taps OfStudent { get; private set; }

    /// <summary>Teacher taps read by them; empty if they need none.</summary>
    public Taps OfTeacher { get; private set; }

    public void StartEpoch(int epoch)
    {
        foreach (Term term in active)
            term.Weight.Dispose();
        active =
        [
            .. all.Where(term => term.Spec.WeightAt(epoch) != 0)
                .Select(term => new Term(term.Spec.Name, term.Loss, term.Spec.WeightAt(epoch).ToScalar())),
        ];
        DecaysAtZero = all.Any(term => term.Spec.Schedule.DecaysAtZero && term.Spec.WeightAt(epoch) == 0);
        OfStudent = active.Aggregate(default(Taps), (taps, term) => taps | term.Loss.OfStudent);
        OfTeacher = active.Aggregate(default(Taps), (taps, term) => taps | term.Loss.OfTeacher);
    }

    /// <summary>The weighted total first, then each active loss unweighted; scalars.</summary>
    public IReadOnlyList<Tensor> Compute(LossInput input)
    {
        Tensor[] values = new Tensor[active.Length + 1];
        // If all weights are 0 the total is a constant without gradient.
        if (active.Length == 0)
            values[0] = zeros([], device: input.Labels.device);
        for (int i = 0; i < active.Length; i++)
        {
            values[i + 1] = active[i].Loss.Compute(input);
            Tensor weighted = values[i + 1] * active[i].Weight;
            values[0] = i == 0 ? weighted : values[0] + weighted;
        }
        return values;
    }

    /// <summary>Call between the gradient computation and the next step.</summary>
    public void StepEnded()
    {
        foreach (Term term in active)
            term.Loss.StepEnded();
    }

    public void Dispose()
    {
        foreach (var (_, module) in Modules)
            module.Dispose();
    }

    private sealed record Term(string Name, Loss Loss, Scalar Weight);
}
