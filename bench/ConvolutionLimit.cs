using System.Diagnostics;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>
/// The time of a training step's convolutions alone, each with its shapes and memory layout: the limit if
/// everything else were free. (The one matrix product, the classifier's, takes less than a thousandth of their time.)
/// </summary>
internal sealed class ConvolutionLimit : IDisposable
{
    private readonly Network teacher;
    private readonly Network student;
    private readonly (Convolution Layer, torch.Tensor Input)[] taught;
    private readonly (Convolution Layer, torch.Tensor Input, torch.Tensor Gradient)[] learned;

    /// <param name="run">On CIFAR-100, with a teacher.</param>
    public ConvolutionLimit(RunSpec run, RunLayouts layouts)
    {
        DatasetDescriptor dataset = DatasetCatalog.Get("cifar100");
        ImageShape image = dataset.Image;
        using torch.Tensor images = torch.randn(run.Train.Batch, image.Channels, image.Height, image.Width);
        teacher = Build(run.Teacher!.Model, layouts.Teacher!.Value);
        student = Build(run.Student, layouts.Student);
        taught = [.. Inputs(teacher, layouts.Teacher!.Value, images)];
        // Images need no gradient; everything after the first convolution does.
        learned =
        [
            .. Inputs(student, layouts.Student, images)
                .Select(
                    (each, index) => (each.Layer, each.Input.requires_grad_(index > 0), Lasting(torch.randn_like(each.Layer.forward(each.Input))))
                ),
        ];

        Network Build(ModelSpec model, TensorLayout layout)
        {
            Network network = ModelCatalog.Get(model.Name).Build(model, image, dataset.Classes);
            Initialisation.Initialise(network, 1, model.Name);
            network.Arrange(layout);
            return network;
        }
    }

    /// <returns>Seconds of the teacher's forward convolutions, and of the student's with their gradients.</returns>
    public IEnumerable<double> Run(int steps)
    {
        var (teaching, learning) = (new Stopwatch(), new Stopwatch());
        for (int step = 0; step < steps; step++)
        {
            teaching.Start();
            using (torch.no_grad())
            {
                foreach (var (layer, input) in taught)
                    layer.forward(input).Dispose();
            }
            teaching.Stop();
            learning.Start();
            foreach (var (layer, input, gradient) in learned)
            {
                using torch.Tensor output = layer.forward(input);
                output.backward([gradient]);
                input.grad = null;
                layer.zero_grad();
            }
            learning.Stop();
        }
        return [teaching.Elapsed.TotalSeconds, learning.Elapsed.TotalSeconds];
    }

    public void Dispose()
    {
        foreach (var (_, input) in taught)
            input.Dispose();
        foreach (var (_, input, gradient) in learned)
        {
            input.Dispose();
            gradient.Dispose();
        }
        teacher.Dispose();
        student.Dispose();
    }

    /// <summary>Random inputs for each convolution, in the network's layout, except images, which are contiguous.</summary>
    private static IEnumerable<(Convolution Layer, torch.Tensor Input)> Inputs(Network network, TensorLayout layout, torch.Tensor images)
    {
        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        using var trace = new ForwardTrace(images);
        network.Run(images);
        return
        [
            .. from step in trace.Steps
            let layer = (step.Operator as Operator.Convolve)?.Layer
            where layer is not null
            select (layer, step.Inputs[0] == 0 ? Lasting(images.clone()) : Random([.. trace.ShapeOf(step.Inputs[0])])),
        ];

        torch.Tensor Random(long[] shape) =>
            Lasting(layout == TensorLayout.Contiguous ? torch.randn(shape) : torch.randn(shape[0], shape[2], shape[3], shape[1]).permute(0, 3, 1, 2));
    }

    private static torch.Tensor Lasting(torch.Tensor tensor) => tensor.DetachFromDisposeScope();
}
