using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using ChannelDistillation.TorchScript;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// A loss from Python. Its own parameters are trained with the student and its buffers are saved in checkpoints; both start with the values in the file.
/// </summary>
public sealed class ScriptedLoss : Loss
{
    private readonly string name;
    private readonly LoadedModule module;
    private readonly IReadOnlyList<LossArgument> inputs;
    private readonly Scalar[] parameters;

    private ScriptedLoss(string name, LoadedModule module, LossDescription description, Parameters parameters)
    {
        (this.name, this.module, inputs) = (name, module, description.Inputs);
        this.parameters = [.. description.Parameters.Select(parameter => parameters.Number(parameter.Name).ToScalar())];
        OfStudent = TapsOf(inputs, ofTeacher: false);
        OfTeacher = TapsOf(inputs, ofTeacher: true);
    }

    public override nn.Module Auxiliary => module;

    public override Taps OfStudent { get; }

    public override Taps OfTeacher { get; }

    /// <summary>The loss of an archive. Its parameters are numbers without a range, because the archive states only defaults.</summary>
    /// <param name="name">Its name in the experiment.</param>
    /// <exception cref="InvalidDataException">The archive is not a loss.</exception>
    public static LossDescriptor Describe(string name, Archive archive)
    {
        LossDescription description = archive.Loss;
        TorchScriptFile file = archive.File;
        return new()
        {
            Name = name,
            Title = description.Title ?? file.Name,
            Source = description.Source ?? file.Name,
            Formula = description.Formula ?? $"{file.Name}({string.Join(", ", description.Inputs.Select(input => input.Name))})",
            Parameters =
            [
                .. description.Parameters.Select(parameter => new ParameterDescriptor.Number(
                    parameter.Name,
                    parameter.Default,
                    $"A parameter of {file.Name}."
                )),
            ],
            Needs = SignalsOf(description.Inputs.Where(input => input.OfTeacher)),
            ReadsOfStudent = SignalsOf(description.Inputs.Where(input => !input.OfTeacher)),
            WhyNotPaired = (features, _) => WhyNotPaired(description, features),
            Create = context => new ScriptedLoss(name, LoadedModule.Load(file), description, context.Parameters),
        };
    }

    /// <exception cref="InvalidDataException">The module does not return a scalar, or returns one without a gradient.</exception>
    public override Tensor Compute(LossInput input)
    {
        using var scope = NewDisposeScope();
        IReadOnlyList<Tensor> returned = module.Call([.. inputs.Select(argument => Argument(argument, input)), .. parameters]);
        if (returned is not [{ } loss] || loss.dim() != 0 || !loss.is_floating_point())
            throw new InvalidDataException(
                $"The loss `{name}` ({module.File.Name}) returns {InWords(returned)}; it must return a floating-point tensor without dimensions."
            );
        if (!loss.requires_grad)
            throw new InvalidDataException(
                $"The loss `{name}` ({module.File.Name}) has no gradient: its result does not depend on the student or its own parameters, or was detached."
            );
        return (loss.dtype == ScalarType.Float32 ? loss : loss.to(ScalarType.Float32)).MoveToOuterDisposeScope();
    }

    private static Taps TapsOf(IEnumerable<LossArgument> inputs, bool ofTeacher) =>
        inputs
            .Where(input => input.OfTeacher == ofTeacher)
            .Aggregate(
                default(Taps),
                (taps, input) =>
                    taps
                    | input.Kind switch
                    {
                        LossArgumentKind.Logits => Taps.Logits,
                        LossArgumentKind.Embedding => Taps.Embedding,
                        LossArgumentKind.Stage => Taps.Stage(input.Stage),
                        LossArgumentKind.ChannelMeans => Taps.MeansOf(input.Stage),
                        _ => default,
                    }
            );

    private static TeacherSignal SignalsOf(IEnumerable<LossArgument> inputs) =>
        inputs.Aggregate(
            TeacherSignal.None,
            (all, input) =>
                all
                | input.Kind switch
                {
                    LossArgumentKind.Logits => TeacherSignal.Logits,
                    LossArgumentKind.Embedding => TeacherSignal.Embedding,
                    LossArgumentKind.Stage => TeacherSignal.Features,
                    LossArgumentKind.ChannelMeans => TeacherSignal.ChannelMeans,
                    _ => TeacherSignal.None,
                }
        );

    private static Mismatch? WhyNotPaired(LossDescription description, FeaturePair features)
    {
        LossArgument? missing = description.Inputs.FirstOrDefault(input =>
            input.Stage >= (input.OfTeacher ? features.Teacher : features.Student).Count
        );
        return missing is null
            ? null
            : new(
                $"it reads `{missing.Name}`, but {Pairing.Stages(features)}",
                $"choose a {(missing.OfTeacher ? "teacher" : "student")} with more stages"
            );
    }

    private static object Argument(LossArgument argument, LossInput input) =>
        argument.Kind switch
        {
            // Cast to object: a Scalar would be converted to Tensor, the type of the other cases.
            LossArgumentKind.Epoch => (object)((long)input.Epoch).ToScalar(),
            LossArgumentKind.Labels => input.Labels,
            LossArgumentKind.Indices => Indices(input),
            _ when argument.OfTeacher => OfTeacherSignals(argument, input.Teacher!),
            _ => OfStudentOutput(argument, input.Student),
        };

    private static Tensor Indices(LossInput input) => tensor(Array.ConvertAll(input.Indices.ToArray(), index => (long)index)).to(input.Labels.device);

    private static Tensor OfTeacherSignals(LossArgument argument, TeacherSignals teacher) =>
        argument.Kind switch
        {
            LossArgumentKind.Logits => teacher.Logits,
            LossArgumentKind.Embedding => teacher.Embedding,
            LossArgumentKind.Stage => teacher.Features[argument.Stage],
            _ => teacher.ChannelMeans(argument.Stage),
        };

    private static Tensor OfStudentOutput(LossArgument argument, ModelOutput student) =>
        argument.Kind switch
        {
            LossArgumentKind.Logits => student.Logits,
            LossArgumentKind.Embedding => student.Embedding,
            LossArgumentKind.Stage => student.Features[argument.Stage],
            _ => student.ChannelMeans[argument.Stage],
        };

    private static string InWords(IReadOnlyList<Tensor> returned) =>
        returned is [var only] ? $"a tensor {only.dtype} [{string.Join(", ", only.shape)}]" : $"{returned.Count} tensors";
}
