using System.IO.Hashing;
using System.Runtime.InteropServices;
using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>A fingerprint of a few images, which reveals most replaced images of equal size without reading all of them.</summary>
internal static class ContentSample
{
    private const int Images = 32;

    /// <summary>XXH3 over evenly spaced images as they are stored. A packed copy stores unreadable files as such, so that only whether an image is readable counts for them.</summary>
    public static string Of(IImageStore store)
    {
        var hash = new XxHash3();
        using var worker = new DecodingWorker();
        int count = Math.Min(Images, store.Count);
        for (int i = 0; i < count; i++)
        {
            int index = (int)((long)i * store.Count / count);
            bool isReadable = IsReadable(store, index, worker);
            hash.Append(MemoryMarshal.AsBytes<int>([index, isReadable ? 1 : 0]));
            if (isReadable)
                hash.Append(store.Content(index, worker));
        }
        return hash.GetCurrentHashAsUInt64().ToString("x16");
    }

    private static bool IsReadable(IImageStore store, int index, DecodingWorker worker)
    {
        try
        {
            store.Load(index, worker);
            return true;
        }
        catch (ImageException)
        {
            return false;
        }
    }
}
