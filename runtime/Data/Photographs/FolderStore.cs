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
        try
        {
            using SafeFileHandle file = File.OpenHandle(Name(index));
            var length = checked((int)RandomAccess.GetLength(file));
            var content = new Span<byte>(worker.File.AtLeast(length), length);
            for (var done = 0; done < length; )
            {
                var read = RandomAccess.Read(file, content[done..], done);
                if (read == 0)
                {
                    throw new PictureException("it became shorter while it was read");
                }

                done += read;
            }

            return content;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PictureException($"it cannot be read: {error.Message}", error);
        }
    }

    public void Dispose() { }
}
