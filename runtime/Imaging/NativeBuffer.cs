using System.Runtime.InteropServices;

namespace ChannelDistillation.Imaging;

/// <summary>
/// Native memory that a worker reuses between images, so that images of many sizes do not burden the garbage collector. A very large buffer
/// is released when the next image needs less.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Kept = 64 << 20;
    private byte* memory;
    private nuint size;

    ~NativeBuffer() => NativeMemory.Free(memory);

    public long Size => (long)size;

    /// <summary>Returns at least `bytes` bytes with undefined content; earlier pointers become invalid.</summary>
    public byte* AtLeast(long bytes)
    {
        if ((nuint)bytes > size || (size > Kept && (nuint)bytes <= Kept))
        {
            NativeMemory.Free(memory);
            memory = null;
            size = 0;
            var larger = (nuint)bytes < Kept ? (nuint)(bytes + bytes / 4) : (nuint)bytes;
            memory = (byte*)NativeMemory.Alloc(larger);
            size = larger;
        }

        return memory;
    }

    public void Dispose()
    {
        NativeMemory.Free(memory);
        memory = null;
        size = 0;
        GC.SuppressFinalize(this);
    }
}
