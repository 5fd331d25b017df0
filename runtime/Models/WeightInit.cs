using System.Text;
using ChannelDistillation.Core;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// Initial weights of a network. Each parameter's values are a pure function of (seed, its full name). They do not depend on the
/// device, on other modules, or on the order of construction.
/// </summary>
public static class Initialisation
{
    /// <summary>
    /// Convolutions: Kaiming normal, fan_out, ReLU gain (He et al., arXiv 1502.01852), bias 0; BatchNorm: 1 and 0; linear layers: PyTorch's
    /// default, uniform within 1 / sqrt(fan_in), bias included. A network may have other rules (<see cref="Backbone.WeightInit"/>), and the convolutions of a loss use
    /// PyTorch's default, uniform within 1 / sqrt(fan_in), as in the published code of the methods.
    /// For grouped convolutions, as in PyTorch, fan_out counts the output channels of all groups, fan_in the input channels of one.
    /// Parameters of other layers keep the values of their constructor.
    /// </summary>
    /// <param name="scope">Prefix of the parameters' names, so that two modules of one run start differently: `student`, `cd`.</param>
    public static void Initialise(nn.Module module, long seed, string scope)
    {
        if (module is AssistedNetwork pair)
        {
            // An assisted student has the same initial weights as without its assistant.
            Initialise(pair.Main, seed, scope);
            Initialise(pair.Assistant, seed, scope + ".assistant");
            return;
        }
        WeightInit rules = module is Network network ? network.WeightInit : WeightInit.OfLosses;
        using var noGradient = no_grad();
        foreach (var (path, layer) in module.named_modules().Prepend(("", module)))
        {
            foreach (var (name, parameter) in layer.named_parameters(recurse: false))
                Fill(rules, layer, name, parameter, GeneratorSeed(seed, $"{scope}.{path}.{name}"));
        }
    }

    private static void Fill(WeightInit rules, nn.Module layer, string name, Parameter parameter, ulong seed)
    {
        switch (layer)
        {
            case Layers.Convolution when name == "weight" && rules.Convolutions == WeightInit.Convolution.Uniform:
                Uniform(parameter, seed, 1 / Math.Sqrt(parameter.shape[1] * (double)parameter.shape[2] * parameter.shape[3]));
                break;
            case Layers.Convolution or Conv2d or ConvTranspose2d when name == "weight":
                double fanOut = parameter.shape[0] * (double)parameter.shape[2] * parameter.shape[3];
                Draw(parameter, seed, (values, random) => values.normal_(0, Math.Sqrt(2 / fanOut), random));
                break;
            case Layers.BatchNorm or BatchNorm1d or BatchNorm2d:
                parameter.fill_(name == "weight" ? 1 : 0);
                break;
            case Layers.IUniformlyInitialised uniform:
                Uniform(parameter, seed, uniform.Bound);
                break;
            case Layers.Linear or Linear when name == "bias" && rules.LinearLayers != WeightInit.Linear.Uniform:
                parameter.fill_(0);
                break;
            case Layers.Linear or Linear when rules.LinearLayers == WeightInit.Linear.SmallNormal:
                Draw(parameter, seed, (values, random) => values.normal_(0, 0.01, random));
                break;
            case Layers.Linear or Linear:
                Uniform(parameter, seed, 1 / Math.Sqrt(layer.get_parameter("weight")!.shape[1]));
                break;
            case Layers.Convolution or Conv2d or ConvTranspose2d:
                parameter.fill_(0);
                break;
        }
    }

    private static void Uniform(Parameter parameter, ulong seed, double bound) =>
        Draw(parameter, seed, (values, random) => values.uniform_(-bound, bound, random));

    /// <summary>Draws on the CPU for any device, because generators of different devices produce different numbers.</summary>
    private static void Draw(Parameter parameter, ulong seed, Func<Tensor, torch.Generator, Tensor> fill)
    {
        using var random = new torch.Generator(seed, CPU);
        using var values = empty(parameter.shape, ScalarType.Float32, CPU);
        parameter.copy_(fill(values, random));
    }

    private static ulong GeneratorSeed(long seed, string name) => new Randomness(seed, Purpose.Initialisation, index: Fnv1A(name)).NextBits();

    /// <summary>FNV-1a, 64 bits: unlike string.GetHashCode, it is the same on every machine and in every process.</summary>
    private static long Fnv1A(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in Encoding.UTF8.GetBytes(text))
            hash = unchecked((hash ^ value) * 1099511628211);
        return unchecked((long)hash);
    }
}

/// <summary>The rules of a family's initial weights. Published results depend on them: a small initial weight before BatchNorm trains faster.</summary>
public sealed record WeightInit
{
    public enum Convolution
    {
        /// <summary>Normal with variance 2 / fan_out (He et al., arXiv 1502.01852).</summary>
        KaimingNormal,

        /// <summary>PyTorch's default: uniform within 1 / sqrt(fan_in).</summary>
        Uniform,
    }

    public enum Linear
    {
        /// <summary>PyTorch's default: weights and bias uniform within 1 / sqrt(fan_in).</summary>
        Uniform,

        /// <summary>The same, but the bias is 0.</summary>
        UniformWithoutBias,

        /// <summary>Normal with standard deviation 0.01, bias 0.</summary>
        SmallNormal,
    }

    /// <summary>For networks without their own rules.</summary>
    public static WeightInit Default { get; } = new();

    /// <summary>PyTorch's defaults, for the modules of losses.</summary>
    public static WeightInit OfLosses { get; } = new() { Convolutions = Convolution.Uniform };

    public Convolution Convolutions { get; init; }

    public Linear LinearLayers { get; init; }
}
