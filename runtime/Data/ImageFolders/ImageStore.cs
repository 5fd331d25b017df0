using ChannelDistillation.Core;
using ChannelDistillation.Imaging;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>Where photographs come from: a folder, or a packed copy of one. Thread-safe.</summary>
internal interface IImageStore : IDisposable
{
    int Count { get; }

    /// <summary>Class of a photograph, from 0.</summary>
    int Label(int index);

    /// <summary>How to name it to a person.</summary>
    string Name(int index);

    /// <returns>Valid until the worker's next photograph.</returns>
    /// <exception cref="ImageException">It cannot be read.</exception>
    Pixels Load(int index, DecodingWorker worker);
}

/// <summary>Photographs as files in class folders.</summary>
internal sealed class FolderStore(FolderPart part) : IImageStore
{
    public FolderPart Part => part;

    public int Count => part.Files.Count;

    public int Label(int index) => part.Label(index);

    public string Name(int index) => Path.Combine(part.Folder, part.Files[index]);

    public Pixels Load(int index, DecodingWorker worker) => worker.Decoder.Decode(Content(index, worker));

    /// <summary>The file's bytes, in the worker's memory.</summary>
    /// <exception cref="ImageException">It cannot be read.</exception>
    public unsafe ReadOnlySpan<byte> Content(int index, DecodingWorker worker)
    {
        string path = Name(index);
        try
        {
            using SafeFileHandle file = InputFile.Open(path);
            long length = RandomAccess.GetLength(file);
            if (length > FileLimits.ImageBytes)
            {
                throw new ImageException($"it has {length:N0} bytes; image files of up to {FileLimits.ImageBytes:N0} are read");
            }

            var content = new Span<byte>(worker.File.AtLeast(length), (int)length);
            InputFile.Fill(file, 0, content);
            return content;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ImageException($"it cannot be read: {InputFile.Reason(path, error)}", error);
        }
    }

    public void Dispose() { }
}

/// <summary>Some photographs of a store, renumbered from 0. The whole store is not disposed with it.</summary>
/// <param name="indices">Positions in the whole store, in ascending order, so that those of a class still follow one another.</param>
internal sealed class PartStore(IImageStore whole, int[] indices) : IImageStore
{
    public int Count => indices.Length;

    public int Label(int index) => whole.Label(indices[index]);

    public string Name(int index) => whole.Name(indices[index]);

    public Pixels Load(int index, DecodingWorker worker) => whole.Load(indices[index], worker);

    public void Dispose() { }
}
