using System.IO.Compression;
using ChannelDistillation.Core;
using ChannelDistillation.Pickle;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>Writes a state_dict as `torch.save` does since PyTorch 1.6; `torch.load(FILE, weights_only=True)` reads it.</summary>
public static class PyTorchStateFile
{
    /// <summary>Folder of all entries of the archive; PyTorch uses the file's name.</summary>
    private const string Folder = "archive";

    /// <summary>Writes the file atomically. Tensors may be on any device and in any layout.</summary>
    /// <param name="tensors">In the order of the state_dict.</param>
    /// <param name="check">Called with the complete file before it is moved into place; throws to reject it.</param>
    public static void Write(string path, IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors, Action<string>? check = null) =>
        AtomicFile.Write(
            path,
            stream =>
            {
                using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
                Add(archive, "data.pkl", Pickle(tensors));
                Add(archive, "byteorder", "little"u8);
                int index = 0;
                foreach (var (_, tensor) in tensors)
                {
                    using var scope = NewDisposeScope();
                    Add(archive, $"data/{index++}", tensor.detach().cpu().contiguous().bytes);
                }
                // The version of the container; PyTorch refuses files without it.
                Add(archive, "version", "3\n"u8);
            },
            check: check
        );

    private static void Add(ZipArchive archive, string name, ReadOnlySpan<byte> content)
    {
        // PyTorch reads uncompressed entries only.
        using Stream entry = archive.CreateEntry($"{Folder}/{name}", CompressionLevel.NoCompression).Open();
        entry.Write(content);
    }

    /// <summary>An OrderedDict of tensors, each with its own storage.</summary>
    private static byte[] Pickle(IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors)
    {
        var pickle = new PickleWriter();
        pickle.Call("collections", "OrderedDict", () => { });
        pickle.SetItems(() =>
        {
            int index = 0;
            foreach (var (name, tensor) in tensors)
            {
                pickle.Text(name);
                Pickle(pickle, tensor, index++);
            }
        });
        return pickle.End();
    }

    private static void Pickle(PickleWriter pickle, Tensor tensor, int index) =>
        pickle.Call(
            "torch._utils",
            "_rebuild_tensor_v2",
            () =>
            {
                pickle.Tuple(() =>
                {
                    pickle.Text("storage");
                    pickle.Global("torch", ElementType.Of(tensor.dtype).Storage);
                    pickle.Text(index.ToString(System.Globalization.CultureInfo.InvariantCulture));
                    pickle.Text("cpu");
                    pickle.Whole(tensor.numel());
                });
                pickle.Persistent();
                pickle.Whole(0);
                pickle.Tuple(tensor.shape);
                pickle.Tuple(TensorEntry.Contiguous(tensor.shape));
                // Not a parameter that requires gradients, and no hooks.
                pickle.False();
                pickle.Call("collections", "OrderedDict", () => { });
            }
        );
}
