using System.Diagnostics;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Schedules;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>One student in training: network, losses, optimizer and position. Independent of other lanes.</summary>
internal sealed class Lane : IDisposable
{
    private readonly MomentumSgd optimizer;
    private readonly Device device;
    private readonly bool runsModules;
    private readonly Stopwatch clock = new();
    private double secondsBefore;
    private EpochMeter? meter;
    private EpochMeter? validation;

    /// <param name="similarities">Computes the teacher's similarities between classes, owned by the caller; null: no class is similar to another.</param>
    public Lane(
        LaneSpec lane,
        DatasetDescriptor dataset,
        IReadOnlyList<int> trainingLabels,
        Device device,
        Func<ClassSimilarity, Tensor>? similarities = null
    )
    {
        Name = lane.Name;
        Spec = lane.Spec;
        this.device = device;
        ModelSpec network = LossCatalog.Network(Spec);
        Student = ModelCatalog.Describe(network).Build(network, dataset.Image, dataset.Classes);
        if (!Student.parameters().Any(parameter => parameter.requires_grad))
            throw new InvalidDataException(
                $"{Student.GetName()} has no trainable parameters: it was exported as a teacher. Export it with train=True."
            );
        Initialisation.Initialise(Student, Spec.Seed, "student");
        Student.Arrange(lane.Layouts.Student);
        Student.to(device);
        Student.ComputeIn(Spec.Train.Precision);
        FeaturePair features = FeaturePair.Of(network, Spec.Teacher?.Model, dataset.Image);
        RequirePairs(network, features);
        runsModules = Spec.Student.Script is not null || Spec.Losses.Any(loss => loss.Script is not null);
        Losses = new LossTerms(
            Spec.Losses,
            loss =>
            {
                var context = new LossContext(loss.Parameters, features, dataset.Classes, trainingLabels, Spec.Seed) { Epochs = Spec.Train.Epochs };
                return similarities is null ? context : context with { ClassSimilarities = similarities };
            },
            Spec.Seed,
            device,
            lane.Layouts.Student
        );
        optimizer = new MomentumSgd(
            Modules.SelectMany(part => part.Module.named_parameters().Select(named => (part.Prefix + named.name, named.parameter))),
            Spec.Train.Optimizer
        );
    }

    public string Name { get; }

    public RunSpec Spec { get; }

    public Network Student { get; }

    public LossTerms Losses { get; }

    /// <summary>The position in training: the current epoch (from 1) and its finished steps.</summary>
    public (int Epoch, int Step) Position { get; private set; } = (1, 0);

    /// <summary>Training time of the current epoch, including earlier processes up to their last save.</summary>
    public double TrainingSeconds => secondsBefore + clock.Elapsed.TotalSeconds;

    /// <summary>Everything with weights, with the prefix of its tensors in checkpoints.</summary>
    private IEnumerable<(string Prefix, nn.Module Module)> Modules =>
        Losses.Modules.Select(part => ($"losses.{part.Name}.", part.Module)).Prepend(("student.", (nn.Module)Student));

    public void StartEpoch()
    {
        Losses.StartEpoch(Position.Epoch);
        meter ??= new EpochMeter(Losses.Active.Count + 1, device);
        foreach (var (_, module) in Modules)
            module.train();
    }

    /// <summary>Starts the epoch that needs the most memory, to measure a step of it.</summary>
    public void StartFullestEpoch()
    {
        Position = (Losses.FullestEpoch(Spec.Train.Epochs), 0);
        StartEpoch();
    }

    /// <summary>Starts timing, when the lane's first batch of the epoch arrives.</summary>
    public void StartClock() => clock.Start();

    /// <summary>One update from one batch.</summary>
    /// <param name="stepsPerEpoch">For learning rates that change within an epoch.</param>
    public void Step(Batch batch, TeacherSignals? teacher, int stepsPerEpoch)
    {
        Learn(batch, teacher, stepsPerEpoch);
        NativeHandles.StepEnded();
    }

    /// <summary>Training means of the current epoch: the weighted total first, then the active losses. Synchronises with the device.</summary>
    public EpochSums SoFar() => meter!.Read();

    /// <summary>The first loss of the epoch that became infinite or NaN; null if there is none. Synchronises with the device.</summary>
    public string? Broken()
    {
        EpochSums sums = SoFar();
        for (int i = 1; i < sums.Losses.Count; i++)
        {
            if (!double.IsFinite(sums.Losses[i]))
                return Losses.Active[i - 1];
        }
        return double.IsFinite(sums.Losses[0]) ? null : "the weighted total";
    }

    /// <summary>The first tensor of the state with an infinite or NaN value; null if there is none. Synchronises with the device.</summary>
    public string? NonFiniteTensor()
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        KeyValuePair<string, Tensor>[] tensors = [.. State().Where(entry => entry.Value.is_floating_point())];
        bool[] whole = [.. stack(tensors.Select(entry => entry.Value.isfinite().all())).cpu().data<bool>()];
        return Array.IndexOf(whole, false) is >= 0 and int at ? tensors[at].Key : null;
    }

    public void StartValidation()
    {
        clock.Stop();
        validation = new EpochMeter(1, device);
        Student.eval();
    }

    public void Validate(Batch batch)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor logits = Student.forward(batch.Images);
        // Counting hits ignores a NaN; a sum does not.
        validation!.Add([logits.sum()], logits, batch.Labels);
    }

    /// <summary>Whether any student output in this validation was infinite or NaN.</summary>
    public bool HasNonFiniteOutputs() => !double.IsFinite(validation!.Read().Losses[0]);

    /// <summary>Completes the epoch and moves on to the next.</summary>
    /// <param name="validationSeconds">Duration of its validation.</param>
    public EpochRecord EndEpoch(int stepsPerEpoch, double validationSeconds)
    {
        int epoch = Position.Epoch;
        double trainingSeconds = TrainingSeconds;
        EpochSums trained = meter!.Read();
        EpochSums validated = validation!.Read();
        Forget();
        Position = (epoch + 1, 0);
        return new()
        {
            Epoch = epoch,
            LearningRate = Spec.Train.Optimizer.LearningRate * Spec.Train.LearningRateSchedule.FactorAt(epoch, 0, stepsPerEpoch, Spec.Train.Epochs),
            Loss = trained.Losses[0],
            Losses = Losses.Active.Zip(trained.Losses.Skip(1)).ToDictionary(),
            LossWeights = Losses.WeightsAt(epoch),
            TrainTop1Error = trained.Top1Error,
            TrainTop5Error = trained.Top5Error,
            Top1Error = validated.Top1Error,
            Top5Error = validated.Top5Error,
            ImagesPerSecond = trained.Images / trainingSeconds,
            Seconds = trainingSeconds + validationSeconds,
        };
    }

    /// <summary>Student weights under torchvision's state_dict names.</summary>
    public IReadOnlyCollection<KeyValuePair<string, Tensor>> Weights() => Student.state_dict();

    /// <summary>Everything that the rest of the training depends on.</summary>
    public IReadOnlyCollection<KeyValuePair<string, Tensor>> State()
    {
        var state = new Dictionary<string, Tensor>();
        foreach (var (prefix, module) in Modules)
        {
            foreach (var (name, tensor) in module.state_dict())
                state.Add(prefix + name, tensor);
        }
        foreach (var (name, tensor) in optimizer.State())
            state.Add("momentum." + name, tensor);
        if (meter is not null)
            state.Add("meter", meter.State);
        return state;
    }

    /// <summary>Restores a saved state.</summary>
    /// <param name="state">A copy of a result of <see cref="State"/>; its tensors are copied.</param>
    /// <param name="seconds">Training time of the current epoch so far.</param>
    /// <exception cref="InvalidDataException">The state belongs to another network; nothing was changed.</exception>
    public void Restore(IReadOnlyDictionary<string, Tensor> state, (int Epoch, int Step) position, double seconds)
    {
        using var noGradient = no_grad();
        KeyValuePair<string, Tensor>[] wanted =
        [
            .. Modules.SelectMany(part => part.Module.state_dict().Select(entry => KeyValuePair.Create(part.Prefix + entry.Key, entry.Value))),
        ];
        foreach (var (name, tensor) in wanted)
        {
            if (!state.TryGetValue(name, out Tensor? saved) || !saved.shape.SequenceEqual(tensor.shape))
                throw new InvalidDataException($"its checkpoint has no `{name}` of the right shape.");
        }
        Losses.StartEpoch(position.Epoch);
        var sums = new EpochMeter(Losses.Active.Count + 1, device);
        bool isWithin = state.TryGetValue("meter", out Tensor? savedSums);
        if (isWithin && !savedSums!.shape.SequenceEqual(sums.State.shape))
        {
            sums.Dispose();
            throw new InvalidDataException("its checkpoint has no loss sums of the right shape.");
        }
        foreach (var (name, tensor) in wanted)
            tensor.copy_(state[name]);
        const string momentum = "momentum.";
        optimizer.Restore(
            state
                .Where(entry => entry.Key.StartsWith(momentum, StringComparison.Ordinal))
                .ToDictionary(entry => entry.Key[momentum.Length..], entry => entry.Value)
        );
        Position = position;
        secondsBefore = seconds;
        if (isWithin)
        {
            meter = sums;
            meter.State.copy_(savedSums!);
        }
        else
            sums.Dispose();
    }

    public void Dispose()
    {
        Forget();
        optimizer.Dispose();
        Losses.Dispose();
        Student.Dispose();
    }

    /// <summary>The plan has checked this for built-in networks; archives from Python need not state the shapes of their outputs.</summary>
    private void RequirePairs(ModelSpec network, FeaturePair features)
    {
        if ((network.Script ?? Spec.Teacher?.Model.Script) is null)
            return;
        foreach (LossSpec loss in Spec.Losses)
        {
            LossDescriptor descriptor = LossCatalog.Describe(loss);
            if (descriptor.NeedsTeacher && descriptor.WhyNotPaired(features, loss.Parameters) is Mismatch mismatch)
                throw new InvalidDataException(
                    $"The loss `{loss.Name}` cannot compare student and teacher: {mismatch.Reason}. To fix this, {mismatch.Remedy}."
                );
        }
    }

    private void Learn(Batch batch, TeacherSignals? teacher, int stepsPerEpoch)
    {
        using var scope = NewDisposeScope();
        // Modules from Python may draw from libtorch's generator (dropout): seed it, so that results do not depend on cohort or resume.
        if (runsModules)
            manual_seed((long)new Randomness(Spec.Seed, Purpose.Modules, Position.Epoch, Position.Step).NextBits()).Dispose();
        ModelOutput output = Student.Run(batch.Images, Taps.Logits | Losses.OfStudent);
        IReadOnlyList<Tensor> values = Losses.Compute(new(output, teacher, batch.Labels, batch.Indices, Position.Epoch) { Draws = batch.Draws });
        meter!.Add(values, output.Logits, batch.Labels);
        bool learns = values[0].requires_grad;
        if (learns)
        {
            values[0].backward();
            Losses.StepEnded();
        }
        if (learns || Losses.DecaysAtZero)
            optimizer.Step(LearningRate(Position.Step, stepsPerEpoch), movesAll: Losses.DecaysAtZero);
        Position = (Position.Epoch, Position.Step + 1);
    }

    private double LearningRate(int step, int stepsPerEpoch) =>
        Spec.Train.Optimizer.LearningRate * Spec.Train.LearningRateSchedule.FactorAt(Position.Epoch, step, stepsPerEpoch, Spec.Train.Epochs);

    private void Forget()
    {
        meter?.Dispose();
        validation?.Dispose();
        (meter, validation) = (null, null);
        clock.Reset();
        secondsBefore = 0;
    }
}
