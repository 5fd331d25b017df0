namespace ChannelDistillation.Data.Photographs.Decoding;

/// <summary>Guards against a small file that claims to be an enormous picture.</summary>
internal static class PictureSize
{
    /// <exception cref="PictureException">Nothing, or too much to be a photograph.</exception>
    public static void Check(int width, int height)
    {
        if (width < 1 || height < 1)
        {
            throw new PictureException($"it says that it is {width}x{height} pixels");
        }

        if ((long)width * height > FileLimits.ImagePixels)
        {
            throw new PictureException(
                $"it says that it is {width}x{height} pixels; images of up to {FileLimits.ImagePixels / 1_000_000} megapixels are read"
            );
        }
    }
}
