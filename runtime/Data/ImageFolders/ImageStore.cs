using ChannelDistillation.Core;
using ChannelDistillation.Imaging;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>A source of images: a folder, or a packed copy of one. Thread-safe.</summary>
internal interface IImageStore : IDisposable
{
    int Count { get; }

    /// <summary>Class of an image, from 0.</summary>
    int Label(int index);

    /// <summary>The image's name for messages.</summary>
    string Name(int index);

    /// <returns>Valid until the worker's next image.</returns>
    /// <exception cref="ImageException">It cannot be read.</exception>
    Pixels Load(int index, DecodingWorker worker);

    /// <summary>An image as it is stored: a file, or pixels.</summary>
    /// <returns>Valid until the worker's next image.</returns>
    /// <exception cref="ImageException">It cannot be read.</exception>
    ReadOnlySpan<byte> Content(int index, DecodingWorker worker);
}

/// <summary>Image files in class folders.</summary>
internal sealed class FolderStore(FolderPart part) : IImageStore
{
    public FolderPart Part => part;

    public int Count => part.Files.Count;

    public int Label(int index) => part.Label(index);

    public string Name(int index) => Path.Combine(part.Folder, part.Files[index]);

    public Pixels Load(int index, DecodingWorker worker) => worker.Decoder.Decode(Content(index, worker));

    /// <summary>Reads a file into the worker's memory.</summary>
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
                throw new ImageException($"it has {length:N0} bytes; the limit for image files is {FileLimits.ImageBytes:N0}");
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

/// <summary>Some images of a store, renumbered from 0. The whole store is not disposed with it.</summary>
/// <param name="indices">Positions in the whole store, ascending, so that images of a class remain consecutive.</param>
internal sealed class PartStore(IImageStore whole, int[] indices) : IImageStore
{
    public int Count => indices.Length;

    public int Label(int index) => whole.Label(indices[index]);

    public string Name(int index) => whole.Name(indices[index]);

    public Pixels Load(int index, DecodingWorker worker) => whole.Load(indices[index], worker);

    public ReadOnlySpan<byte> Content(int index, DecodingWorker worker) => whole.Content(indices[index], worker);

    public void Dispose() { }
}
