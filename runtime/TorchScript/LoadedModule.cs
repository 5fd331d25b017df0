using System.IO.Compression;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ChannelDistillation.Core;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.TorchScript;

/// <summary>
/// A TorchScript archive in memory as a module. Parameters and buffers have their Python names, and gradients reach them. It is
/// run by the interpreter without the graph executor's optimisations, operator by operator as in PyTorch's eager mode: the optimisations depend on
/// how often a process has called the module, so that a resumed run would differ in its last digits.
/// </summary>
public sealed class LoadedModule : nn.Module
{
    private readonly Held held;

    private LoadedModule(TorchScriptFile file, jit.ScriptModule script)
        : base(file.Name)
    {
        File = file;
        held = new(script);
        // The tensors outlive the dispose scope in which the module is loaded.
        foreach (var (_, parameter) in script.named_parameters())
            parameter.DetachFromDisposeScope();
        foreach (var (_, buffer) in script.named_buffers())
            buffer.DetachFromDisposeScope();
    }

    public TorchScriptFile File { get; }

    private jit.ScriptModule Script => held.Script;

    /// <summary>Loads the archive on the CPU, which makes its code executable. Only files that an experiment names with `torchscript:` are loaded.</summary>
    /// <exception cref="InvalidDataException">The file does not exist, has changed since it was planned, or is damaged.</exception>
    public static LoadedModule Load(TorchScriptFile file)
    {
        byte[] content = Read(file);
        if (Convert.ToHexStringLower(SHA256.HashData(content)) != file.Sha256)
            throw new InvalidDataException($"{file.Path} has changed since this command read it. Repeat the command.");
        CheckIntegrity(file, content);
        try
        {
            return new(file, jit.load(content, CPU));
        }
        catch (ExternalException error)
        {
            throw new InvalidDataException($"{file.Path} is damaged, or needs a newer libtorch: {Reason(error)}", error);
        }
    }

    /// <summary>Calls `forward`.</summary>
    /// <param name="arguments">Tensors, and numbers as Scalar.</param>
    /// <returns>The resulting tensor, or the tensors of a resulting list or tuple.</returns>
    /// <exception cref="ExternalException">The call fails; the first line of the message names the file and the reason.</exception>
    /// <exception cref="InvalidDataException">The result has another type.</exception>
    public IReadOnlyList<Tensor> Call(params object[] arguments)
    {
        TorchContext.RewriteScripts(false);
        object? result;
        try
        {
            result = Script.call(arguments);
        }
        catch (ExternalException error)
        {
            throw new ExternalException($"{File.Name} fails: {Reason(error)}\n{error.Message}", error);
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or NotSupportedException or InvalidCastException)
        {
            // Thrown by TorchSharp for anything it cannot convert, such as a dictionary.
            throw new InvalidDataException($"{File.Name} returns something other than a tensor, or a list or tuple of tensors.", error);
        }
        return result switch
        {
            Tensor tensor => [tensor],
            Tensor[] list => list,
            ITuple tuple when Enumerable.Range(0, tuple.Length).All(index => tuple[index] is Tensor) =>
            [
                .. Enumerable.Range(0, tuple.Length).Select(index => (Tensor)tuple[index]!),
            ],
            _ => throw new InvalidDataException($"{File.Name} returns something other than a tensor, or a list or tuple of tensors."),
        };
    }

    /// <summary>
    /// Stores the weights of its convolutions in a layout, which activations follow. A network with a 1x1 convolution whose channels are not
    /// multiples of 8 stays contiguous: in channels-last, the gradient of oneDNN 3.7 (libtorch 2.10) hangs on CPUs with AVX2 only.
    /// </summary>
    public void Arrange(TensorLayout layout)
    {
        using var noGradient = no_grad();
        if (
            Script
                .parameters()
                .Any(weight => weight.dim() == 4 && weight.shape is [var output, var input, 1, 1] && (output % 8 != 0 || input % 8 != 0))
        )
            layout = TensorLayout.Contiguous;
        foreach (var (_, weight) in Script.named_parameters().Where(named => named.parameter.dim() == 4))
        {
            using var scope = NewDisposeScope();
            long[] shape = weight.shape;
            Tensor values =
                layout == TensorLayout.Contiguous
                    ? empty(shape, device: weight.device, dtype: weight.dtype)
                    : empty([shape[0], shape[2], shape[3], shape[1]], device: weight.device, dtype: weight.dtype).permute(0, 3, 1, 2);
            weight.set_(values.copy_(weight));
        }
    }

    /// <summary>Each parameter once: a tied one, which has several names, is trained once per step as in PyTorch.</summary>
    public override IEnumerable<(string name, TorchSharp.Modules.Parameter parameter)> named_parameters(bool recurse = true)
    {
        if (!recurse)
            return [];
        (string, TorchSharp.Modules.Parameter)[] all = [.. Script.named_parameters()];
        return Dispatcher.HasAddresses
            ? all.DistinctBy(named => named.Item2.numel() == 0 ? (object)named.Item1 : Dispatcher.Address(named.Item2))
            : all;
    }

    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true) =>
        recurse ? Script.named_buffers() : [];

    public override IEnumerable<TorchSharp.Modules.Parameter> parameters(bool recurse = true) =>
        named_parameters(recurse).Select(named => named.parameter);

    /// <summary>Parameters, then buffers, by their Python names. The tensors are the module's own.</summary>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
    {
        destination ??= [];
        string start = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
        foreach (var (name, parameter) in Script.named_parameters())
            destination.Add(start + name, parameter);
        foreach (var (name, buffer) in Script.named_buffers())
            destination.Add(start + name, buffer);
        return destination;
    }

    public override void train(bool on = true)
    {
        base.train(on);
        Script.train(on);
    }

    protected override nn.Module _to(Device device, ScalarType dtype, bool non_blocking)
    {
        Script.to(device, dtype, non_blocking: non_blocking);
        return this;
    }

    protected override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
    {
        Script.to(deviceType, deviceIndex, non_blocking: non_blocking);
        return this;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Script.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>libtorch does not compare the checksums of the archive's entries; a flipped bit would be a plausible weight.</summary>
    private static void CheckIntegrity(TorchScriptFile file, byte[] content)
    {
        using var zip = new ZipArchive(new MemoryStream(content, writable: false), ZipArchiveMode.Read);
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            using Stream stream = entry.Open();
            var checksum = new Crc32();
            checksum.Append(stream);
            if (checksum.GetCurrentHashAsUInt32() != entry.Crc32)
                throw new InvalidDataException($"{file.Path} is damaged: the checksum of `{entry.FullName}` does not match. Export it again.");
        }
    }

    private static byte[] Read(TorchScriptFile file)
    {
        try
        {
            return InputFile.ReadAll(file.Path, Array.MaxLength);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{file.Path} cannot be read: {InputFile.Reason(file.Path, error)}.", error);
        }
    }

    /// <summary>libtorch's reason as one sentence: the last error line after a TorchScript traceback, otherwise the first line.</summary>
    private static string Reason(Exception error)
    {
        string[] lines = error.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string reason = lines.LastOrDefault(line => line.Contains("Error: ", StringComparison.Ordinal)) ?? lines.FirstOrDefault() ?? "";
        return reason.EndsWith('.') ? reason : reason + ".";
    }

    /// <summary>A wrapper, because TorchSharp registers every field that is a module, and a script module does not support that.</summary>
    private sealed record Held(jit.ScriptModule Script);
}
