using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using ChannelDistillation.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Bench;

/// <summary>
/// Compares every model and every loss on a device with the CPU, with the same weights and images: values, and gradients of all parameters. Without TF32, as
/// ‖theirs − ours‖ / ‖ours‖.
/// </summary>
internal static class Agreement
{
    private const double OfValues = 1e-4;
    private const double OfGradients = 1e-3;
    private const int BatchSize = 4;

    /// <returns>The exit code: 1 if something differs.</returns>
    public static int Run(string wanted)
    {
        var device = new Device(Devices.Choose(wanted));
        new GpuSettings(Tf32: false).Apply(device.ToString());
        int failed = 0;
        (double Value, double Gradient) worst = default;
        (string Name, Func<Device, (Tensor[] Values, Tensor[] Gradients)> Compute)[] all =
        [
            .. ModelCatalog.All.Select(model => ($"model {model.Name}", (Func<Device, (Tensor[], Tensor[])>)(where => OfModel(model, where)))),
            .. LossCatalog.All.Select(loss => ($"loss {loss.Name}", (Func<Device, (Tensor[], Tensor[])>)(where => OfLoss(loss, where)))),
        ];
        Console.WriteLine("| | values | gradients |\n|---|---|---|");
        foreach (var (name, compute) in all)
        {
            using var scope = NewDisposeScope();
            var expected = compute(CPU);
            var found = compute(device);
            double value = Distance(found.Values, expected.Values);
            double gradient = Distance(found.Gradients, expected.Gradients);
            // A NaN counts as a difference.
            bool agrees = value <= OfValues && gradient <= OfGradients;
            failed += agrees ? 0 : 1;
            worst = (Math.Max(worst.Value, value), Math.Max(worst.Gradient, gradient));
            Console.WriteLine($"| {name} | {value:0.0e+0} | {gradient:0.0e+0} |{(agrees ? "" : " DOES NOT AGREE")}");
        }
        Console.WriteLine(
            $"RESULT: {all.Length - failed} of {all.Length} agree with the CPU; values within {worst.Value:0.0e+0}, gradients within {worst.Gradient:0.0e+0}"
        );
        return failed == 0 ? 0 : 1;
    }

    private static (Tensor[], Tensor[]) OfModel(ModelDescriptor model, Device device)
    {
        var image = new ImageShape(3, 32, 32);
        using Network network = model.Build(new ModelSpec(model.Name), image, 10);
        Initialisation.Initialise(network, 1, "student");
        network.Arrange(TensorLayout.ChannelsLast);
        network.to(device);
        network.train();
        Tensor logits = network.forward(Images(image, device));
        (logits * logits).mean().backward();
        return ([OnHost(logits)], Gradients(network.parameters()));
    }

    private static (Tensor[], Tensor[]) OfLoss(LossDescriptor loss, Device device)
    {
        DatasetDescriptor dataset = DatasetCatalog.Get("fashion-mnist-mini");
        LossSpec[] losses = [LossSpec.CrossEntropy];
        if (loss.Name != "ce")
            losses =
            [
                .. losses,
                new()
                {
                    Name = loss.Name,
                    Weight = 0.5,
                    Parameters = loss.DefaultParameters,
                },
            ];
        RunSpec spec = Cases.Distillation("resnet14", "resnet8", BatchSize, losses) with { Dataset = new() { Name = dataset.Name } };
        int[] labels = [.. Enumerable.Range(0, 100).Select(image => image % dataset.Classes)];
        using var lane = new Lane(new("agreement", spec, ""), dataset, labels, device);
        Network network = ModelCatalog.Get("resnet14").Build(spec.Teacher!.Model, dataset.Image, dataset.Classes);
        Initialisation.Initialise(network, 1, "teacher");
        network.to(device);
        using var teacher = new FrozenTeacher(network, spec.Teacher.BatchNorm, Precision.Float32);
        // The same step as in training, without the update.
        lane.StartFullestEpoch();
        Tensor images = Images(dataset.Image, device);
        Tensor own = tensor(labels[..BatchSize].Select(label => (long)label).ToArray()).to(device);
        ModelOutput output = lane.Student.Run(images, Taps.Logits | lane.Losses.OfStudent);
        TeacherSignals? signals = lane.Losses.OfTeacher.IsNone ? null : teacher.Run(images, own, lane.Losses.OfTeacher);
        IReadOnlyList<Tensor> values = lane.Losses.Compute(new(output, signals, own, Enumerable.Range(0, BatchSize).ToArray(), 1));
        values[0].backward();
        return (
            [.. values.Select(OnHost)],
            Gradients(lane.Student.parameters().Concat(lane.Losses.Modules.SelectMany(part => part.Module.parameters())))
        );
    }

    private static Tensor Images(ImageShape shape, Device device)
    {
        using var random = new Generator(7, CPU);
        return randn([BatchSize, shape.Channels, shape.Height, shape.Width], generator: random).to(device);
    }

    private static Tensor[] Gradients(IEnumerable<TorchSharp.Modules.Parameter> parameters) =>
        [.. parameters.Select(parameter => parameter.grad).OfType<Tensor>().Select(OnHost)];

    private static Tensor OnHost(Tensor tensor) => tensor.detach().cpu().to(ScalarType.Float64);

    private static double Distance(Tensor[] found, Tensor[] expected)
    {
        if (found.Length != expected.Length)
            return double.NaN;
        double norm = Math.Sqrt(expected.Sum(tensor => tensor.square().sum().item<double>()));
        double error = Math.Sqrt(found.Zip(expected).Sum(pair => (pair.First - pair.Second).square().sum().item<double>()));
        return error / norm;
    }
}
