using Microsoft.Playwright;

namespace PromptToPrompt.Studio.Browser.Tests;

/// <summary>The connection of a page to its studio, whose messages can be held back. Connections that are open already are not affected.</summary>
internal sealed class HeldLine
{
    public Direction FromPage { get; } = new();

    public Direction FromStudio { get; } = new();

    public static async Task<HeldLine> Between(IPage page)
    {
        var line = new HeldLine();
        await page.RouteWebSocketAsync(_ => true, socket =>
        {
            var studio = socket.ConnectToServer();
            socket.OnMessage(frame => line.FromPage.Pass(() => Send(studio, frame)));
            studio.OnMessage(frame => line.FromStudio.Pass(() => Send(socket, frame)));
        });
        return line;
    }

    private static void Send(IWebSocketRoute to, IWebSocketFrame frame)
    {
        if (frame.Binary is { } bytes)
            to.Send(bytes);
        else
            to.Send(frame.Text!);
    }

    /// <summary>Messages in one direction, in order.</summary>
    internal sealed class Direction
    {
        private readonly Lock changing = new();
        private readonly Queue<Action> held = new();
        private TaskCompletionSource? holding;

        /// <summary>Waits until a message is held back.</summary>
        public Task Held => holding!.Task.WaitAsync(TimeSpan.FromMilliseconds(Visitor.Patience));

        public void Hold()
        {
            lock (changing)
                holding = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        public void Release()
        {
            lock (changing)
            {
                holding = null;
                while (held.TryDequeue(out var send))
                    send();
            }
        }

        public void Pass(Action send)
        {
            lock (changing)
            {
                if (holding is null)
                {
                    send();
                    return;
                }

                held.Enqueue(send);
                holding.TrySetResult();
            }
        }
    }
}
