using System.Diagnostics;
using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>
/// The time of a training step's convolutions alone, each with the shapes and memory layout that it has in the step: what is left when
/// everything else is free. (The one matrix product, the classifier's, is less than a thousandth of them.)
/// </summary>
internal sealed class ConvolutionLimit : IDisposable
{
    private readonly Backbone teacher;
    private readonly Backbone student;
    private readonly (Convolution Layer, torch.Tensor Input)[] taught;
    private readonly (Convolution Layer, torch.Tensor Input, torch.Tensor Gradient)[] learned;

    public ConvolutionLimit(string teacher, string student, int batch)
    {
        DatasetDescriptor dataset = DatasetCatalog.Get("cifar100");
        ImageShape image = dataset.Image;
        using torch.Tensor images = torch.randn(batch, image.Channels, image.Height, image.Width);
        this.teacher = Build(teacher);
        this.student = Build(student);
        taught = [.. Inputs(this.teacher, images)];
        // The images themselves need no gradient; everything behind the first convolution does.
        learned =
        [
            .. Inputs(this.student, images)
                .Select(
                    (each, index) => (each.Layer, each.Input.requires_grad_(index > 0), Lasting(torch.randn_like(each.Layer.forward(each.Input))))
                ),
        ];

        Backbone Build(string name)
        {
            Backbone network = ModelCatalog.Get(name).Build(new ModelSpec(name), image, dataset.Classes);
            Initialisation.Initialise(network, 1, name);
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

    /// <summary>Random numbers in place of what each convolution reads; all but the images lie channels-last, as in the step.</summary>
    private static IEnumerable<(Convolution Layer, torch.Tensor Input)> Inputs(Backbone network, torch.Tensor images)
    {
        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        using var trace = new ForwardTrace();
        network.Run(images);
        return [.. trace.Convolutions.Select((each, index) => (each.Convolution, index == 0 ? Lasting(images.clone()) : ChannelsLast(each.Input)))];
    }

    private static torch.Tensor ChannelsLast(long[] shape) => Lasting(torch.randn(shape[0], shape[2], shape[3], shape[1]).permute(0, 3, 1, 2));

    private static torch.Tensor Lasting(torch.Tensor tensor) => tensor.DetachFromDisposeScope();
}
