using System.Runtime.InteropServices;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers.Signals;

/// <summary>Cached teacher outputs for each view of each training image: one file per kind of output, with a row per image and view.</summary>
/// <param name="folder">Created if needed.</param>
/// <param name="images">Images of the training set.</param>
/// <param name="remark">Receives a message about damaged rows, once per file.</param>
internal sealed class SignalStore(string folder, IReadOnlyList<SignalKind> kinds, int images, int views, Action<string> remark) : IDisposable
{
    private readonly HashSet<SignalFile> damaged = [];
    private readonly SignalFile[] files = Open(folder, kinds, (long)images * views, remark);

    /// <summary>The cached outputs for a batch, in the current dispose scope.</summary>
    /// <param name="indices">Positions of the images in the training set.</param>
    /// <param name="view">Counted from 0.</param>
    /// <param name="taps">The requested taps, a subset of the cached kinds.</param>
    /// <returns>Null if some of them are not cached yet.</returns>
    public ModelOutput? Read(ReadOnlySpan<int> indices, int view, Taps taps, Device device)
    {
        Tensor? logits = null;
        Tensor? embedding = null;
        var means = new Tensor?[32];
        for (int i = 0; i < kinds.Count; i++)
        {
            if ((kinds[i].Taps | taps) != taps)
                continue;
            if (Read(files[i], kinds[i].Width, indices, view) is not Tensor rows)
                return null;
            rows = rows.ToDevice(device);
            if (kinds[i].Taps.HasLogits)
                logits = rows;
            else if (kinds[i].Taps.HasEmbedding)
                embedding = rows;
            else
                means[kinds[i].Taps.Depth(means.Length) - 1] = rows;
        }
        return new(logits, [], embedding, null, means);
    }

    /// <summary>Writes outputs that are missing or damaged.</summary>
    /// <exception cref="IOException">The disk is full or faulty.</exception>
    public void Write(ReadOnlySpan<int> indices, int view, TeacherSignals signals)
    {
        for (int i = 0; i < kinds.Count; i++)
        {
            int width = kinds[i].Width;
            var kept = new float[width];
            using Tensor values = kinds[i].Of(signals).to(ScalarType.Float32).cpu().contiguous();
            ReadOnlySpan<float> numbers = MemoryMarshal.Cast<byte, float>(values.bytes);
            for (int image = 0; image < indices.Length; image++)
            {
                long row = Row(indices[image], view);
                if (!Exists(files[i], row, kept))
                    files[i].Write(row, numbers.Slice(image * width, width));
            }
        }
    }

    public void Dispose()
    {
        foreach (SignalFile file in files)
            file.Dispose();
    }

    private Tensor? Read(SignalFile file, int width, ReadOnlySpan<int> indices, int view)
    {
        Tensor rows = empty([indices.Length, width], ScalarType.Float32);
        Span<float> numbers = MemoryMarshal.Cast<byte, float>(rows.bytes);
        for (int image = 0; image < indices.Length; image++)
        {
            if (Exists(file, Row(indices[image], view), numbers.Slice(image * width, width)))
                continue;
            rows.Dispose();
            return null;
        }
        return rows;
    }

    private bool Exists(SignalFile file, long row, Span<float> destination)
    {
        RowState state = file.Read(row, destination);
        if (state == RowState.Damaged && damaged.Add(file))
            remark($"{file.Path} is partly damaged: the teacher's outputs are recomputed for the damaged images.");
        return state == RowState.There;
    }

    private long Row(int image, int view) => (long)view * images + image;

    private static SignalFile[] Open(string folder, IReadOnlyList<SignalKind> kinds, long rows, Action<string> remark)
    {
        var opened = new List<SignalFile>();
        try
        {
            foreach (SignalKind kind in kinds)
                opened.Add(Open(Path.Combine(folder, kind.Name + ".signals"), rows, kind.Width, remark));
            return [.. opened];
        }
        catch
        {
            opened.ForEach(file => file.Dispose());
            throw;
        }
    }

    private static SignalFile Open(string path, long rows, int width, Action<string> remark)
    {
        try
        {
            return new(path, rows, width);
        }
        catch (DamagedFileException error)
        {
            remark($"{error.Message} It is regenerated.");
            SignalFile.Remove(path);
            return new(path, rows, width);
        }
    }
}
