using ChannelDistillation.Native;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Data.Photographs;

/// <summary>Photographs as files in class folders.</summary>
internal sealed class FolderStore(FolderPart part) : IPhotographStore
{
    public FolderPart Part => part;

    public int Count => part.Files.Count;

    public int Label(int index) => part.Label(index);

    public string Name(int index) => Path.Combine(part.Folder, part.Files[index]);

    public Pixels Load(int index, Worker worker) => worker.Decoder.Decode(Content(index, worker));

    /// <summary>The file's bytes, in the worker's memory.</summary>
    /// <exception cref="PictureException">It cannot be read.</exception>
    public unsafe ReadOnlySpan<byte> Content(int index, Worker worker)
    {
        string path = Name(index);
        try
        {
            using SafeFileHandle file = InputFile.Open(path);
            long length = RandomAccess.GetLength(file);
            if (length > FileLimits.ImageBytes)
            {
                throw new PictureException($"it has {length:N0} bytes; image files of up to {FileLimits.ImageBytes:N0} are read");
            }

            var content = new Span<byte>(worker.File.AtLeast(length), (int)length);
            InputFile.Fill(file, 0, content);
            return content;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PictureException($"it cannot be read: {InputFile.Reason(path, error)}", error);
        }
    }

    public void Dispose() { }
}
