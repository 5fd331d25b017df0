using System.Runtime.InteropServices;

namespace ChannelDistillation.Imaging;

/// <summary>
/// Memory that a worker keeps from one picture to the next: pictures of a million sizes leave nothing to the garbage collector. What a very large
/// one took is given back when the next needs less.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Kept = 64 << 20;
    private byte* memory;
    private nuint size;

    ~NativeBuffer() => NativeMemory.Free(memory);

    public long Size => (long)size;

    /// <summary>At least `bytes` bytes; their content is undefined, and an earlier pointer is no longer valid.</summary>
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
